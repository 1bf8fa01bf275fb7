"""Take in answers, and tell people of the queue, an image and the run, read from where the pipeline wrote them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from selflabel import files
from selflabel.audit import wording
from selflabel.audit.certificate import Certificate
from selflabel.labels import answers, provenance, state
from selflabel.labels.answers import Answer
from selflabel.labels.classes import Classes
from selflabel.labels.pool_index import PoolIndex
from selflabel.labels.questions import AGAIN, JUDGING
from selflabel.people import agreement
from selflabel.people.answer_file import AnswerFile

# The tools stand outside the pipeline, whose stages are told their paths by dvc.yaml.
FINAL, INDEX, CLASSES = "data/audit", "data/raw/index.csv", "data/raw/classes.json"
QUEUE, ANSWERS, CERTIFICATE = "data/queue/queue.csv", "answers.csv", "metrics/certificate.json"
HASH_LENGTH = 32


def missing() -> str:
    """Return what to do about questions without an answer; empty where there are none, or no run yet."""
    n_open = state.read(FINAL).n_open if Path(FINAL).exists() else 0
    return provenance.missing(n_open, QUEUE) if n_open else ""


def append(path: str, annotator: str | None) -> str:
    """Append the answers in a filled-in copy of the queue to answers.csv, and return how many were new.

    Raises ``ValueError`` with a line for each fault; nothing is appended then.
    """
    classes, known = Classes.read(CLASSES), PoolIndex.read(INDEX).hash.tolist()
    now = datetime.now(UTC).replace(microsecond=0)
    text = answers.decode(Path(path).read_bytes(), source=path)
    columns = {name.strip('" ') for name in text.partition("\n")[0].split(",")}
    if text.lstrip().startswith(("[", "{")) or {"annotation_id", "lead_time"} <= columns:
        raise ValueError(
            f"{path} must be a filled-in copy of {QUEUE}, got what looks like Label Studio's export, which may have "
            "dropped skips and calls people by numbers: `selflabel label-studio pull` takes the answers"
        )
    filled_in, n_empty = answers.filled_in(
        text, source=path, annotator=annotator, now=now, classes=classes, known=known
    )
    n_new = take_in(AnswerFile(Path(ANSWERS), classes=classes, known=known), as_asked(filled_in))
    return f"{n_new:,} answers appended to {ANSWERS}; {len(filled_in) - n_new:,} were there, {n_empty:,} left empty"


def as_asked(given: Sequence[Answer]) -> list[Answer]:
    """Return the answers with why they were asked for: the run knows it best, a spreadsheet may have lost it."""
    why = {}
    if Path(FINAL).exists():
        # The rows are those of the last run, which a newer download may have given to others.
        asked, of_run = state.read(FINAL).asked, files.read_columns(Path(FINAL, "labels.arrow"), "hash")["hash"]
        why = dict(zip(of_run[asked.row].tolist(), asked.strategy, strict=True))
    return [answer._replace(strategy=_why(answer, why.get(answer.hash))) for answer in given]


def take_in(file: AnswerFile, given: Sequence[Answer], *, is_dated: bool = False) -> int:
    """Append those of the answers that are news to a file, and return how many; ``is_dated``: as in ``news``."""
    with file.locked():
        new = news(file.read(), given, is_dated=is_dated)
        file.append(new)
    return len(new)


def news(there: Sequence[Answer], given: Sequence[Answer], *, is_dated: bool) -> list[Answer]:
    """Return those of the answers ``given`` that say something else than those that are ``there``.

    ``is_dated``: whether they know when they were given; one that is not newer than the annotator's last word about
    its image is no news then.
    """
    before = sorted(there, key=lambda answer: answer.when)
    latest = {(answer.hash, answer.annotator): answer for answer in before}
    again = {(answer.hash, answer.annotator) for answer in before if answer.strategy == AGAIN}

    def is_new(answer: Answer) -> bool:
        who = (answer.hash, answer.annotator)
        last = latest.get(who)
        if last is None:
            return True
        if is_dated and answer.when <= last.when:
            return False
        # A second look that confirms the first is news: nobody need look a third time.
        return last.label != answer.label or (answer.strategy == AGAIN and who not in again)

    return [answer for answer in given if is_new(answer)]


def _why(answer: Answer, of_run: str | None) -> str:
    """Return why an image was asked about; ``of_run``: what the run says of it."""
    # The run knows why it asked first, and a second look is later; but to what an audit asks every answer judges.
    return answer.strategy if of_run is None or (answer.strategy == AGAIN and of_run not in JUDGING) else of_run


def agreement_tables() -> str:
    """Return how far the people who answered agree, and about which images they do not."""
    index = PoolIndex.read(INDEX)
    given = answers.parse(
        files.read_text(ANSWERS), source=ANSWERS, classes=Classes.read(CLASSES), known=index.hash.tolist()
    )
    names = [f"row {row}" for row in index.row] if index.path is None else index.path.tolist()
    places = {key: f"{name}, {key}" for key, name in zip(index.hash.tolist(), names, strict=True)}
    return agreement.tables(agreement.agreement(given), places)


def story(image: str) -> str:
    """Return the story of an image, a row of the pool or a content hash; raises ``ValueError`` if there is none."""
    table = files.read_columns(Path(FINAL, "labels.arrow"))
    is_row = image.isdecimal() and len(image) < HASH_LENGTH
    rows = [int(image)] if is_row else [i for i, digest in enumerate(table["hash"]) if digest == image]
    if not rows or rows[0] >= len(table["row"]):
        raise ValueError(f"the image must be a row from 0 to {len(table['row']) - 1} or its hash, got {image!r}")
    final, classes = state.read(FINAL), Classes.read(CLASSES)
    return "\n\n".join("\n".join(provenance.story(final, table, row, classes)) for row in rows)


def status(stale: Sequence[str]) -> str:
    """Return how the run stands; ``stale``: the stages that `dvc repro` would run."""
    final = state.read(FINAL)
    lines = [*provenance.counts(final), *_answers(), f"stale stages: {', '.join(stale) or 'none'}"]
    lines.append(f"next: {'`dvc repro`' if stale else provenance.missing(final.n_open, QUEUE)}")
    if not stale and not final.n_open and Path(CERTIFICATE).exists():
        lines.append(f"to do better: {wording.to_do_better(Certificate.from_json(files.read_json(CERTIFICATE)))}")
    return "\n".join(lines)


def _answers() -> list[str]:
    """Return how many images answers.csv knows, and how many of them teach; how far several people agree."""
    # Those of the last run: a newer download may have other rows.
    hashes, classes = files.read_columns(Path(FINAL, "labels.arrow"), "hash")["hash"], Classes.read(CLASSES)
    given = answers.parse(files.read_text(ANSWERS), source=ANSWERS, classes=classes, known=hashes.tolist())
    teaching, judging = answers.known(given, classes=classes)
    return [
        f"{ANSWERS}: {len(teaching) + len(judging):,} images of this data set; {len(judging):,} of them judge machine "
        "labels and do not teach",
        *agreement.sentences(agreement.agreement(given)),
    ]
