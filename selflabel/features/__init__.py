"""From images to features, and to each image's nearest neighbours."""
