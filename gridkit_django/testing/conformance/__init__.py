"""The conformance suite, one module for each kind of question; authors use it through ``gridkit_django.testing``."""
