"""Small tools beside the pipeline: python -m selflabel --help."""

import argparse
import sys
from pathlib import Path

from selflabel import files, params

METRICS, PER_CLASS, ROUNDS = "metrics/evaluate.json", "metrics/per_class.csv", "metrics/rounds.csv"
FETCH_ALL = "git fetch --unshallow origin '+refs/heads/*:refs/remotes/origin/*'"
PARAMS, TABLE = "params.yaml", "rounds/table.yaml"


def results(_args: argparse.Namespace) -> None:
    """Print the results table of the last run."""
    from selflabel import results

    print(results.table(files.read_json(METRICS), is_tutorials=results.is_tutorials(files.read_yaml(PARAMS))))


def rounds(args: argparse.Namespace) -> None:
    """Write the rounds table with N rounds: as many as self_label.iterations may ask for."""
    asked = max(1, params.load(PARAMS).self_label.iterations)
    if not asked <= args.n <= params.MAX_ROUNDS:
        raise ValueError(f"N must be from {asked}, for self_label.iterations, to {params.MAX_ROUNDS}, got {args.n}")
    head = f"# Written by `make rounds N={args.n}`: the rounds there are, and the one each goes on from."
    rows = [f'  "{number}": {{after: {number - 1}}}' for number in range(1, args.n + 1)]
    files.write_text(TABLE, "\n".join([head + " DVC wants the numbers quoted.", "rounds:", *rows]) + "\n")
    print(f"{TABLE} has {args.n} rounds; self_label.iterations may be up to {args.n}")


def study(_args: argparse.Namespace) -> None:
    """Print the study's table: mean and spread over the draws of the seed labels."""
    from selflabel import results

    draws = [files.read_json(path) for path in sorted(Path(METRICS).with_name("study").glob("*.json"))]
    if not draws:
        raise ValueError("there is no study yet: `make study` runs it")
    print(results.study_table(draws))


def compare(_args: argparse.Namespace) -> None:
    """Print DVC's experiments as a table, best test accuracy first."""
    from selflabel import experiments, report, repository

    names = report.flatten(files.read_yaml(PARAMS))
    print(experiments.table(repository.experiments_csv(), set(names)))


def pr_report(args: argparse.Namespace) -> None:
    """Write a Markdown report of what changed against a base revision."""
    from selflabel import pictures, report, repository

    base, notes = repository.find_revision(args.base), []
    compared = (PARAMS, METRICS, PER_CLASS, ROUNDS)
    old = {path: base and repository.read(base, path) for path in compared}
    new = {path: repository.READERS[Path(path).suffix](path) for path in compared}
    if base is None:
        cause = f"this clone is shallow: `{FETCH_ALL}` first" if repository.is_shallow() else "no such revision"
        notes.append(f"Nothing to compare with: `{args.base}` is not in this clone ({cause}).")
    elif missing := [path for path, content in old.items() if content is None]:
        notes.append(f"`{args.base}` has no {', '.join(missing)}; what is compared with it is missing below.")
    elif set(old[PER_CLASS]["class"]) != set(new[PER_CLASS]["class"]):
        notes.append(f"`{args.base}` has other classes, so that theirs are not compared.")

    curves = Path(args.out).with_name("curves.png")
    files.write_picture(curves, pictures.curves_against(old[ROUNDS], new[ROUNDS]))
    text = report.markdown(
        args.base,
        params=report.changes(report.flatten(old[PARAMS]), report.flatten(new[PARAMS])) if old[PARAMS] else None,
        metrics=report.changes(report.flatten(old[METRICS]), report.flatten(new[METRICS])) if old[METRICS] else None,
        movers=report.biggest_movers(old[PER_CLASS], new[PER_CLASS]) if old[PER_CLASS] else None,
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
    add("study", study)
    add("compare", compare)
    command = add("pr-report", pr_report)
    command.add_argument("--base", default="main", help="revision to compare with (default: %(default)s)")
    command.add_argument("--out", default="report/report.md", help="file to write (default: %(default)s)")
    args = parser.parse_args()
    try:
        args.run(args)
    except FileNotFoundError as error:
        sys.exit(f"error: {error.filename} is not there yet: `dvc repro` writes it")
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
