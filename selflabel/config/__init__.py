"""params.yaml: its schema, its checks, and the objects that the other rooms take."""
