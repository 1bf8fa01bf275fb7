"""Write down what is asked and not answered, and how to answer it."""

from pathlib import Path

from selflabel import files
from selflabel.evaluation import plots
from selflabel.labels import provenance, state
from selflabel.labels.classes import Classes
from selflabel.labels.pool_index import PoolIndex
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "audit", "index", "pool-images", "classes", "out")
    final, classes = state.read(args.audit), Classes.read(args.classes)
    index = PoolIndex.read(args.index)
    queue = provenance.queue(final, index.hash, classes, paths=index.path)
    path = Path(args.out, "queue.csv")
    files.write_table(path, queue)
    sheet = plots.queue(files.read_array(args.pool_images), queue["row"], queue["hash"])
    files.write_picture(Path(args.out, "queue.png"), sheet)
    say(f"queue: {provenance.missing(len(queue['row']), str(path))}")


if __name__ == "__main__":
    run(main)
