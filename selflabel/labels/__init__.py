"""Who said what of each image: labels and where they come from, answers, questions, classes, the state of a round."""
