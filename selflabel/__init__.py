"""Self-labelling of images: label a little, let a classifier label what it is sure of, round after round.

The words used everywhere in this project:

pool
    The images to be labelled. A *row* is an image's position in the pool's index, the same from the first
    stage to the last; nothing is ever deleted from an array.
seed label
    A label given before the first round (round 0).
pseudo-label, machine label
    A label the classifier gave. It is the *predicted* class, never the true one.
question
    An image that a round asks people about. Answered, skipped, open (nobody has answered) or tied.
answer
    What an annotator said of an image: a class, or ``skip``. Kept in ``answers.csv`` by content hash. It teaches, or it
    judges: machine labels, in an audit or where an audit left an image for people.
known
    Of an image that had an answer before the run.
apart
    Of an image that has an answer which judges: the rounds neither learn from it nor ask about it.
queue
    The questions that are open or tied.
origin
    Where a label comes from: ``seed``, ``human`` (an answer), ``machine`` or ``none`` (−1 in arrays).
release
    The labels that are handed over: every answer in the place of the machine's label.
copy
    An image that is byte for byte another one; of a user's own data the pool has one of them.
confidence
    The largest class probability of an image, in [0, 1], under the classifier that labelled it; raw (the logistic of
    its margins, normalised) or calibrated.
calibration
    A map from class scores to probabilities that are right as often as they say, fitted on labels that people gave.
out of fold
    Of a classifier that has not learnt from the label in question.
evidence
    What human-given labels of images drawn at random show, out of fold.
extractor, block
    What turns images into features; the columns that one of several made.
graph
    Each image's nearest neighbours in the pool, and how near they are.
smoothing
    Pulling what a classifier says of an image towards what it says of its neighbours; people's labels are held fast.
student
    A CNN that learns, after the rounds, what the last classifier (its teacher) says of the whole pool.
embedding
    The student's last layer before the classes: features that it has learnt.
flip
    A round gives an image another machine label than the round before.
threshold
    A machine label is accepted where the confidence is strictly greater than this.
round
    One fit, score, select, apply, ask. Rounds are numbered from 1; the last acceptance, ``finish``, is one more.
history
    The summaries of all rounds so far.
coverage
    The labelled share of the pool, in [0, 1].
label accuracy
    The share of machine labels that are right, in [0, 1]. Only ``evaluate`` can know it.
truth
    The true labels. They live in files of their own, and only ``seed_labels``, ``answer`` (where answers are
    simulated), the baselines and ``evaluate`` may read them (and the study, outside of the pipeline).
leak
    Truth that reaches a place where a real user would have none, such as the true label of an accepted image.
human labels
    Every label that had to be paid for: seed labels and answers.
"""

from selflabel import processor

__version__ = "0.2.0"

# Before NumPy is loaded, whoever imports what first.
processor.pin()
