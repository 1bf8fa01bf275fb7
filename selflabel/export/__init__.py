"""The labelled data set in the forms that others read."""
