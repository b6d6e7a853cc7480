"""The official export plugin: csv, json, xlsx and pdf files of what a grid shows, made in the background."""
