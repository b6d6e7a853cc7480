"""PDF files: WeasyPrint lays the page out, and the rows of long tables are drawn into it."""
