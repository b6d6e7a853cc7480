"""The official analytics plugin: tells vendors what people do in grids, never what stands in them."""
