"""Small tools beside the pipeline: python -m selflabel --help."""

import argparse
import json
import sys
from pathlib import Path

from selflabel import files
from selflabel.config import load

METRICS, PER_CLASS, ROUNDS = "metrics/evaluate.json", "metrics/per_class.csv", "metrics/rounds.csv"
CERTIFICATE = "metrics/certificate.json"
FETCH_ALL = "git fetch --unshallow origin '+refs/heads/*:refs/remotes/origin/*'"
PARAMS, TABLE, PRESETS = "params.yaml", "rounds/table.yaml", "presets"
ARMS, STUDY, AUDITS = "study/arms.yaml", "study/results", "study/audits.csv"
BUDGET = "metrics/budget.png"


def results(_args: argparse.Namespace) -> None:
    """Print the results table of the last run, its certificate, and how many answers it misses."""
    from selflabel.evaluation import results
    from selflabel.people import tools

    report = files.read_json(METRICS)
    print(results.table(report, is_tutorials=results.is_tutorials(files.read_yaml(PARAMS))))
    print(f"\n{results.certificate(files.read_json(CERTIFICATE), report)}")
    if missing := tools.missing():
        print(f"\n{missing}")


def rounds(args: argparse.Namespace) -> None:
    """Write the rounds table with N rounds: as many as self_label.iterations may ask for."""
    from selflabel.config import init as starting

    asked = max(1, load.load(PARAMS).self_label.iterations)
    if not asked <= args.n <= load.MAX_ROUNDS:
        raise ValueError(f"N must be from {asked}, for self_label.iterations, to {load.MAX_ROUNDS}, got {args.n}")
    files.write_text(TABLE, starting.rounds_table(args.n))
    print(f"{TABLE} has {args.n} rounds; self_label.iterations may be up to {args.n}")


def preset(args: argparse.Namespace) -> None:
    """Print a preset as options of `dvc exp run`: dvc exp run $(python -m selflabel preset tutorial)."""
    from selflabel.config import presets

    known = sorted(path.stem for path in Path(PRESETS).glob("*.yaml"))
    if args.name not in known:
        raise ValueError(f"the preset must be one of {', '.join(known)}, got {args.name!r}")
    load.load(PARAMS)
    options, left = presets.options(files.read_yaml(PARAMS), files.read_yaml(Path(PRESETS, f"{args.name}.yaml")))
    if left:
        print(f"preset {args.name}: left as they are for your data: {', '.join(left)}", file=sys.stderr)
    print(*options)


def init(args: argparse.Namespace) -> None:
    """Set params.yaml and the rounds table for data of your own; every value that is not about them stays."""
    from selflabel.config import init as starting

    values, text = starting.begin(args.dir, files.read_text(PARAMS))
    files.write_text(PARAMS, text)
    # Rounds that never run would make `dvc pull` fail.
    files.write_text(TABLE, starting.rounds_table(values["self_label.iterations"]))
    print(*(f"{name}: {json.dumps(value)}" for name, value in values.items()), sep="\n")
    print(f"\n{PARAMS} and {TABLE} are set; next: `python -m selflabel plan`")


def plan(_args: argparse.Namespace) -> None:
    """Tell what `dvc repro` would do: images, classes, questions, disk, time; fail with the reasons if it could not."""
    from selflabel.config import plan as planning

    lines, reasons = planning.plan(load.load(PARAMS), n_round_rows=len(files.read_yaml(TABLE)["rounds"]))
    print("\n".join(lines))
    if reasons:
        raise ValueError("\n       ".join(f"{PARAMS}: {reason}" for reason in reasons))


def answer(args: argparse.Namespace) -> None:
    """Append the answers in a filled-in copy of the queue to answers.csv."""
    from selflabel.people import tools

    print(tools.append(args.file, args.annotator))


def explain(args: argparse.Namespace) -> None:
    """Tell one image's story: its label, whence, how sure, round by round, and what people were asked."""
    from selflabel.people import tools

    print(tools.story(args.image))


def status(_args: argparse.Namespace) -> None:
    """Tell how the run stands: labelled, asked, missing answers, stale stages, what to do next."""
    from selflabel.evaluation import repository
    from selflabel.people import tools

    print(tools.status(repository.stale_stages()))


def study(args: argparse.Namespace) -> None:
    """Print the study's table: mean, spread and paired differences over the seeds; of all arms also a picture."""
    from selflabel.evaluation import budget_plot, results

    arms = files.read_yaml(ARMS)["arms"]
    figures = {path.stem: files.read_json(path) for path in sorted(Path(STUDY).glob("*.json"))}
    if unknown := set(args.arms) - figures.keys():
        raise ValueError(f"the arms must be played ones of {ARMS}, got {', '.join(sorted(unknown))}")
    if not figures:
        raise ValueError("there is no study yet: `make study` runs it")
    if not args.arms:
        files.write_picture(BUDGET, budget_plot.picture(arms, figures))
    arms = {name: arm for name, arm in arms.items() if name in (args.arms or arms)}
    print(results.study_table(arms, figures))


def check_cache(args: argparse.Namespace) -> None:
    """List the files of DVC's cache that are not what they were when they were stored; fail if there are any."""
    from functools import partial

    from tqdm import tqdm

    damaged = files.damaged_in_cache(args.cache, partial(tqdm, desc="checking", unit="files", disable=None))
    if damaged:
        listed = "\n       ".join(map(str, damaged))
        raise ValueError(
            f"{len(damaged):,} file{'s' * (len(damaged) > 1)} of the cache damaged; delete them, and `dvc repro` makes "
            f"them again (or `dvc pull` gets them):\n       {listed}"
        )
    print(f"{args.cache}: no file is damaged")


def audits(_args: argparse.Namespace) -> None:
    """Print what a thousand audits of the final labels promised, and what was true (`make study` makes them)."""
    from selflabel.audit import simulate

    print(simulate.table(files.read_table(AUDITS)))


def compare(_args: argparse.Namespace) -> None:
    """Print DVC's experiments as a table, best test accuracy first."""
    from selflabel.evaluation import experiments, pull_request, repository

    table = repository.experiments_csv()
    print(experiments.table(table, set(pull_request.flatten(files.read_yaml(PARAMS)))))
    if warning := experiments.looks(table):
        print(f"\n{warning}")


def pr_report(args: argparse.Namespace) -> None:
    """Write a Markdown report of what changed against a base revision."""
    from selflabel.evaluation import experiments, plots, pull_request, repository

    base, notes = repository.find_revision(args.base), []
    compared = (PARAMS, METRICS, CERTIFICATE, PER_CLASS, ROUNDS)
    old = {path: base and repository.read(base, path) for path in compared}
    new = {path: repository.READERS[Path(path).suffix](path) for path in compared}
    if base is None:
        cause = f"this clone is shallow: `{FETCH_ALL}` first" if repository.is_shallow() else "no such revision"
        notes.append(f"Nothing to compare with: `{args.base}` is not in this clone ({cause}).")
    elif missing := [path for path, content in old.items() if content is None]:
        notes.append(f"`{args.base}` has no {', '.join(missing)}; what is compared with it is missing below.")
    elif set(old[PER_CLASS]["class"]) != set(new[PER_CLASS]["class"]):
        notes.append(f"`{args.base}` has other classes, so that theirs are not compared.")

    before, now = old[CERTIFICATE], new[CERTIFICATE]
    is_same = old[PARAMS] and old[PARAMS]["dataset"] == new[PARAMS]["dataset"]
    if is_same and before not in (None, now) and min(before["looks"], now["looks"]) < 2:
        notes.append(experiments.looks_warning(2))
    curves = Path(args.out).with_name("curves.png")
    files.write_picture(curves, plots.curves_against(old[ROUNDS], new[ROUNDS]))
    text = pull_request.markdown(
        args.base,
        params=pull_request.changes(pull_request.flatten(old[PARAMS]), pull_request.flatten(new[PARAMS]))
        if old[PARAMS]
        else None,
        metrics=pull_request.changes(
            *(pull_request.flatten(of[METRICS] | (of[CERTIFICATE] or {})) for of in (old, new))
        )
        if old[METRICS]
        else None,
        movers=pull_request.biggest_movers(old[PER_CLASS], new[PER_CLASS]) if old[PER_CLASS] else None,
        picture=curves.name,
        notes=notes,
    )
    files.write_text(args.out, text)
    print(f"{args.out} and {curves}")


def main() -> None:
    """Run one of the tools; a fault of its input ends it with the sentence alone."""
    parser = argparse.ArgumentParser(prog="python -m selflabel", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, function) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=function.__doc__, description=function.__doc__)
        command.set_defaults(run=function)
        return command

    add("results", results)
    add("rounds", rounds).add_argument("n", type=int, metavar="N", help="how many rounds, at least 1")
    add("study", study).add_argument("arms", nargs="*", metavar="ARM", help="of study/arms.yaml (default: all)")
    add("audits", audits)
    command = add("init", init)
    command.add_argument("dir", metavar="DIR", help="a folder of images or IDX files, a .csv manifest, an .npz file")
    add("plan", plan)
    add("preset", preset).add_argument("name", metavar="NAME", help="a file's name in presets/, without its ending")
    command = add("answer", answer)
    command.add_argument(
        "file", metavar="FILE", help="a copy of data/queue/queue.csv with labels (a class or skip) filled in"
    )
    command.add_argument("--annotator", metavar="NAME", help="who answered, where the file does not say")
    add("explain", explain).add_argument("image", metavar="ROW-OR-HASH", help="a row of the pool, or a content hash")
    add("status", status)
    command = add("check-cache", check_cache)
    command.add_argument("--cache", type=Path, default=Path(".dvc/cache"), help="its folder (default: %(default)s)")
    add("compare", compare)
    command = add("pr-report", pr_report)
    command.add_argument("--base", default="main", help="revision to compare with (default: %(default)s)")
    command.add_argument("--out", default="report/report.md", help="file to write (default: %(default)s)")
    args = parser.parse_args()
    try:
        args.run(args)
    except FileNotFoundError as error:
        is_written = str(error.filename).startswith(("data/", "metrics/"))
        sys.exit(f"error: {error.filename} is not there{' yet: `dvc repro` writes it' if is_written else ''}")
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
