"""From files to images with an index: built-in data sets, and data of one's own."""
