"""The command `selflabel`: the tools beside the pipeline."""

import argparse
import json
import os
import sys
import textwrap
from pathlib import Path
from typing import Any

from selflabel import __version__, files
from selflabel.config import load

METRICS, PER_CLASS, ROUNDS = "metrics/evaluate.json", "metrics/per_class.csv", "metrics/rounds.csv"
CERTIFICATE, FINAL, AUDIT = "metrics/certificate.json", "data/final", "data/audit"
FETCH_ALL = "git fetch --unshallow origin '+refs/heads/*:refs/remotes/origin/*'"
PARAMS, TABLE, PRESETS = "params.yaml", "rounds/table.yaml", "presets"
ARMS, STUDY = "study/arms.yaml", "study/results"
AUDITS, SEQUENCES = "study/audits.csv", "study/audits_sequential.csv"
BUDGET = "metrics/budget.png"


def results(_args: argparse.Namespace) -> None:
    """Print the results table of the last run, its certificate, and how many answers it misses."""
    from selflabel.audit.certificate import Certificate
    from selflabel.evaluation import results
    from selflabel.people import tools

    report = files.read_json(METRICS)
    print(results.table(report, is_tutorials=results.is_tutorials(files.read_yaml(PARAMS))))
    print(f"\n{results.certificate_list(Certificate.from_json(files.read_json(CERTIFICATE)), report)}")
    if missing := tools.missing():
        print(f"\n{missing}")


def run(args: argparse.Namespace) -> None:
    """Run what has changed, tell how far it is, and print the results: `dvc repro` with a bar."""
    import subprocess

    from selflabel.people import running

    # DVC cannot even start where self_label.iterations is missing: tell all faults before it tells that one.
    check = [sys.executable, "-m", "selflabel.stages.check", "--params", PARAMS, "--table", TABLE]
    if code := subprocess.run([*check, "--out", "data/check.txt"]).returncode:
        sys.exit(code)
    command = ["dvc", "exp", "run", *_preset_options(args.preset)] if args.preset else ["dvc", "repro"]
    if code := running.run(command, folder=Path(), targets=args.targets):
        sys.exit(code)
    if not args.targets:
        results(args)


def rounds(args: argparse.Namespace) -> None:
    """Write the rounds table with N rounds: as many as self_label.iterations may ask for."""
    from selflabel.config import init as starting

    asked = max(1, load.load(PARAMS).self_label.iterations)
    if not asked <= args.n <= load.MAX_ROUNDS:
        raise ValueError(f"N must be from {asked}, for self_label.iterations, to {load.MAX_ROUNDS}, got {args.n}")
    files.write_text(TABLE, starting.rounds_table(args.n))
    print(f"{TABLE} has {args.n} rounds; self_label.iterations may be up to {args.n}")


def preset(args: argparse.Namespace) -> None:
    """Print a preset as options of `dvc exp run`: dvc exp run $(selflabel preset tutorial)."""
    print(*_preset_options(args.name))


def _preset_options(name: str) -> list[str]:
    from selflabel.config import presets, project

    folder = Path(PRESETS) if Path(PRESETS).exists() else project.template(PRESETS)
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if name not in known:
        raise ValueError(f"the preset must be one of {', '.join(known)}, got {name!r}")
    load.load(PARAMS)
    options, left = presets.options(files.read_yaml(PARAMS), files.read_yaml(folder / f"{name}.yaml"))
    if left:
        print(f"preset {name}: left as they are for your data: {', '.join(left)}", file=sys.stderr)
    return options


def init(args: argparse.Namespace) -> None:
    """Set params.yaml and the rounds table for data of your own; in an empty folder lay down a project first."""
    from selflabel.config import init as starting
    from selflabel.config import project

    if not project.is_project(Path()):
        names = project.lay_down(Path(), ci=args.ci or "")
        print(f"a project is laid down here: {', '.join(names)}\n")
    elif args.ci:
        raise ValueError("--ci must be given where a project is laid down, in an empty folder, got one that has it")
    values, text, reason = starting.begin(
        args.dir, files.read_text(PARAMS), [name.strip() for name in args.classes.split(",") if name.strip()]
    )
    files.write_text(PARAMS, text)
    # Rounds that never run would make `dvc pull` fail.
    files.write_text(TABLE, starting.rounds_table(values["self_label.iterations"]))
    print(*(f"{name}: {json.dumps(value)}" for name, value in values.items()), sep="\n")
    print(f"\n{reason}")
    print(f"{PARAMS} and {TABLE} are set; next: `selflabel plan`")


def upgrade(_args: argparse.Namespace) -> None:
    """Give a project of an older version what the installed one needs, and tell which stages are repeated, and why."""
    from selflabel.config import project

    print(*project.upgrade(Path()), sep="\n")
    print("`selflabel run` plays these again, and what their results change")


def parameters(_args: argparse.Namespace) -> None:
    """Print the reference of all parameters, in Markdown."""
    from selflabel.config import reference

    print(reference.page(), end="")


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


def label(args: argparse.Namespace) -> None:
    """Open a page on which a person labels; the rounds are played while they answer."""
    from selflabel.serve import server

    server.serve(
        Path.cwd(),
        host=args.host,
        port=args.port,
        annotator=args.annotator,
        has_hints=args.hints,
        opens_browser=not args.no_browser,
    )


def label_studio(args: argparse.Namespace) -> None:
    """Ask through a Label Studio server: push sends it the questions, pull takes the answers into answers.csv."""
    from selflabel.export.card import title
    from selflabel.people import label_studio as asking
    from selflabel.people.label_studio_server import Server

    dataset = load.load(PARAMS).dataset
    project = args.project or f"selflabel {title(dataset.model_dump())}"
    server = Server(os.environ.get("LABEL_STUDIO_URL", ""), os.environ.get("LABEL_STUDIO_API_KEY", ""))
    if args.direction == "pull":
        print(asking.pull(server, project))
        return
    images = asking.Images(dataset.name, dataset.path, dataset.max_pixels)
    print(asking.push(server, project, images, document_root=args.local_files))


def suspects(args: argparse.Namespace) -> None:
    """List labels that people gave and classifiers that have not seen them contradict; ask about them once more."""
    from selflabel.config import build
    from selflabel.people import second_look

    print(second_look.look(build.fit(load.load(PARAMS)), n=args.n, out=args.out))


def agreement(_args: argparse.Namespace) -> None:
    """Tell how far the people who answered agree, and about which images they do not."""
    from selflabel.people import tools

    print(tools.agreement_tables())


def predict(args: argparse.Namespace) -> None:
    """Label new images with the classifier of the last run, and write a table."""
    from functools import partial

    from tqdm import tqdm

    from selflabel import predict as new_images

    # disable=None: a bar on a terminal, none in a log.
    bar = partial(tqdm, desc="decoding", unit="chunks", disable=None)
    if args.model:
        print(new_images.with_model(args.model, args.dir, args.out, progress=bar))
    else:
        print(new_images.predict(args.dir, args.out, progress=bar))


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


def worker(args: argparse.Namespace) -> None:
    """Work for runs on other machines: a Dask worker with the processor's kernels pinned, until it is stopped."""
    try:
        from distributed.cli.dask_worker import main as work
    except ImportError as error:
        raise ValueError("a worker needs Dask, which is not installed: `pip install selflabel[cluster]`") from error
    work([args.scheduler, "--preload", "selflabel.portions", *args.options], prog_name="selflabel worker")


def audits(_args: argparse.Namespace) -> None:
    """Print what a thousand audits of the final labels promised, and what was true (`make study` makes them)."""
    from selflabel.audit import simulate

    print(simulate.table(files.read_table(AUDITS)))
    print(f"\n{simulate.sequences_table(files.read_table(SEQUENCES))}")


def forecast(_args: argparse.Namespace) -> None:
    """Tell what more answers are worth for the labels of the last run: to an audit, or to questions of the rounds."""
    from functools import partial

    from tqdm import tqdm

    from selflabel.audit import draw, forecast
    from selflabel.audit.certificate import AuditConfig, Certificate
    from selflabel.config.load import load
    from selflabel.labels import state

    final, config = state.read(FINAL), AuditConfig.of(load().audit)
    rows = draw.targets(final.labels, final.asked.row)
    if not len(rows):
        raise ValueError("there must be machine labels about which nobody was asked, got none")
    issued = Certificate.from_json(files.read_json(CERTIFICATE))
    found = forecast.found(final.labels, state.read(AUDIT).asked, issued)
    n_labels = int(final.labels.is_human.sum())
    confidence, n_all = final.labels.confidence[rows], len(final.labels.label)
    bar = partial(tqdm, desc="simulating audits", leave=False, disable=None)
    print(forecast.text(confidence, config, n_all=n_all, n_labels=n_labels, found=found, progress=bar))


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
    old: dict[str, Any] = {path: repository.read(base, path) if base else None for path in compared}
    new: dict[str, Any] = {path: repository.READERS[Path(path).suffix](path) for path in compared}
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


def completion(args: argparse.Namespace) -> None:
    """Print a script that completes the commands in a shell, such as for `eval "$(selflabel completion bash)"`."""
    import shtab

    print(shtab.complete(parser(has_list=True), shell=args.shell))


# Commands by what one is about to do; of each its function, and its arguments with their options.
GROUPS: dict[str, dict[str, tuple[Any, ...]]] = {
    "start and run": {
        "init": (
            init,
            {
                "dir": {"metavar": "DIR", "help": "a folder of images or IDX files, a .csv manifest, .npz"},
                "--classes": {
                    "metavar": "NAMES",
                    "default": "",
                    "help": "classes beside those that the data names, such as cat,dog; people may name more",
                },
                "--ci": {"choices": ["github", "gitlab"], "help": "in an empty folder: a file of checks for this host"},
            },
        ),
        "plan": (plan, {}),
        "run": (
            run,
            {
                "targets": {"nargs": "*", "metavar": "STAGE", "help": "and what it depends on (default: all)"},
                "--preset": {"metavar": "NAME", "help": "as an experiment, with the settings of a preset"},
            },
        ),
        "rounds": (rounds, {"n": {"type": int, "metavar": "N", "help": "how many rounds, at least 1"}}),
        "preset": (preset, {"name": {"metavar": "NAME", "help": "a file's name in presets/, without its ending"}}),
        "parameters": (parameters, {}),
        "upgrade": (upgrade, {}),
    },
    "people": {
        "label": (
            label,
            {
                "--port": {"type": int, "metavar": "N", "help": "where to listen (default: 8420, or one that is free)"},
                "--host": {
                    "default": "127.0.0.1",
                    "help": "where to listen (default: %(default)s, this machine alone); whoever has the address "
                    "that is printed can label, without encryption",
                },
                "--annotator": {
                    "metavar": "NAME",
                    "help": "who answers (default: as Git or the system has it)",
                },
                "--hints": {"action": "store_true", "help": "mark the two likeliest classes, never in an audit"},
                "--no-browser": {"action": "store_true", "help": "open none; the address is printed in any case"},
            },
        ),
        "answer": (
            answer,
            {
                "file": {"metavar": "FILE", "help": "a copy of data/queue/queue.csv with labels filled in"},
                "--annotator": {"metavar": "NAME", "help": "who answered, where the file does not say"},
            },
        ),
        "label-studio": (
            label_studio,
            {
                "direction": {"choices": ["push", "pull"], "help": "send the questions, or take the answers"},
                "--project": {
                    "metavar": "TITLE",
                    "help": "its title (default: selflabel, and the data's name)",
                },
                "--local-files": {
                    "type": Path,
                    "metavar": "ROOT",
                    "help": "upload no pictures; the server reads them below ROOT, its local files' document root",
                },
            },
        ),
        "status": (status, {}),
        "agreement": (agreement, {}),
        "suspects": (
            suspects,
            {
                "--n": {
                    "type": int,
                    "metavar": "N",
                    "help": "how many, the most contradicted first (default: those that confident learning marks)",
                },
                "--out": {"metavar": "FILE", "help": "a queue to write, which `selflabel answer` takes once filled in"},
            },
        ),
        "explain": (explain, {"image": {"metavar": "ROW-OR-HASH", "help": "a row of the pool, or a content hash"}}),
    },
    "results": {
        "results": (results, {}),
        "predict": (
            predict,
            {
                "dir": {"metavar": "DIR", "help": "a folder of new images, at any depth"},
                "--out": {"default": "predictions.csv", "help": "table to write (default: %(default)s)"},
                "--model": {
                    "metavar": "FOLDER",
                    "help": "data/export/model of a project, or a copy of it (default: the project itself)",
                },
            },
        ),
        "compare": (compare, {}),
        "pr-report": (
            pr_report,
            {
                "--base": {"default": "main", "help": "revision to compare with (default: %(default)s)"},
                "--out": {"default": "report/report.md", "help": "file to write (default: %(default)s)"},
            },
        ),
        "study": (study, {"arms": {"nargs": "*", "metavar": "ARM", "help": "of study/arms.yaml (default: all)"}}),
        "audits": (audits, {}),
        "forecast": (forecast, {}),
    },
    "care": {
        "check-cache": (
            check_cache,
            {"--cache": {"type": Path, "default": Path(".dvc/cache"), "help": "its folder (default: %(default)s)"}},
        ),
        "worker": (
            worker,
            {
                "scheduler": {"metavar": "ADDRESS", "help": "of the scheduler, such as tcp://HOST:8786"},
                "options": {"nargs": argparse.REMAINDER, "help": "of `dask worker`, such as --nthreads 4"},
            },
        ),
        "completion": (
            completion,
            {"shell": {"choices": ("bash", "zsh", "tcsh"), "help": "whose completion script to print"}},
        ),
    },
}


def parser(*, has_list: bool = False) -> argparse.ArgumentParser:
    """Return the parser of the command line; ``has_list``: with argparse's own list of commands, for completion."""
    whole = argparse.ArgumentParser(
        prog="selflabel", description="Tools beside the pipeline, which `dvc repro` runs.", epilog=_listing(),
        formatter_class=argparse.RawDescriptionHelpFormatter, usage="selflabel [--version] COMMAND ...",
    )  # fmt: skip
    whole.add_argument("--version", action="version", version=f"selflabel {__version__}")
    # The help lists them by group below; argparse has one list.
    options = {} if has_list else {"help": argparse.SUPPRESS}
    commands = whole.add_subparsers(required=True, prog="selflabel", metavar="COMMAND", **options)
    for group in GROUPS.values():
        for name, (function, arguments) in group.items():
            command = commands.add_parser(name, help=function.__doc__, description=function.__doc__)
            for argument, its_options in arguments.items():
                command.add_argument(argument, **its_options)
            command.set_defaults(run=function)
    return whole


def _listing() -> str:
    width = 2 + max(len(name) for group in GROUPS.values() for name in group)
    lines = []
    for heading, group in GROUPS.items():
        lines += [f"{heading}:"]
        for name, (function, _) in group.items():
            about = textwrap.wrap(str(function.__doc__), 96 - width)
            lines += [f"  {name:<{width}}{about[0]}", *(f"  {'':<{width}}{line}" for line in about[1:])]
        lines.append("")
    return "\n".join([*lines, "`selflabel COMMAND --help` tells the arguments of one."])


def main() -> None:
    """Run one of the tools; a fault of its input ends it with the sentence alone."""
    args = parser().parse_args()
    try:
        args.run(args)
    except FileNotFoundError as error:
        is_written = str(error.filename).startswith(("data/", "metrics/"))
        sys.exit(f"error: {error.filename} is not there{' yet: `dvc repro` writes it' if is_written else ''}")
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
