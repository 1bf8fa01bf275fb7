"""The page for labelling in a real Chromium, before the real server: `make test-browser`."""

import os
import re
import threading

import numpy as np
import pytest
from browsing import AUDITED, BUDGET, PER_ROUND, by_row, new_project, until
from projects import ROOT

from selflabel import files
from selflabel.labels.classes import Classes
from selflabel.labels.pool_index import PoolIndex
from selflabel.people.answer_file import AnswerFile

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
KEYS = "123456789a"
# Milliseconds in which a new grid cannot be confirmed, and a little more.
GUARD = 800


def given(project):
    """The answers in the file, in its order: row, label, and the others."""
    index = PoolIndex.read(project.folder / "data/raw/index.csv")
    classes = Classes.read(project.folder / "data/raw/classes.json")
    row = {key: n for n, key in enumerate(index.hash.tolist())}
    file = AnswerFile(project.folder / "answers.csv", classes=classes, known=index.hash.tolist())
    return [(row[answer.hash], answer.label, answer) for answer in file.read()]


def opened(page, server):
    page.goto(server.address)
    page.locator("#stage img").wait_for()
    return page


def shown_row(page) -> int | None:
    image = page.locator("#stage img")
    return int(image.get_attribute("alt").split()[-1]) if image.count() else None


def press(page, key) -> int:
    """Press a key that answers, once the picture is there; return the row it was about."""
    row = shown_row(page)
    # A picture that the person did not call for takes no answer at first.
    page.wait_for_timeout(0)
    page.keyboard.press(key)
    until(lambda: shown_row(page) != row or page.locator("#pause").is_visible())
    return row


def is_done(page) -> bool:
    return page.locator("#pause-title").is_visible() and "All done" in page.locator("#pause-title").inner_text()


def answer_until(page, truth, classes, *, ends) -> list[int]:
    """Answer each picture with its true class until ``ends`` holds; return the rows."""
    rows = []
    while not ends():
        row = shown_row(page)
        if row is None:
            page.wait_for_timeout(20)
            continue
        before = len(rows)
        page.keyboard.press(KEYS[classes.index(truth[row])])
        page.wait_for_timeout(5)
        if shown_row(page) != row:
            rows.append(row)
        elif len(rows) == before:
            page.wait_for_timeout(50)
    return rows


def classes_of(project):
    return files.read_json(project.folder / "data/raw/classes.json")


def test_three_rounds_and_the_audit_are_answered_by_keyboard_alone_and_nothing_hints(page, pictures, serve):
    project, truth = pictures
    server, tasks = serve(project), []

    def note(response):
        if "/api/" in response.url and response.ok:
            tasks.extend(response.json().get("tasks", []))

    page.on("response", note)
    opened(page, server)
    answer_until(page, truth, classes_of(project), ends=lambda: is_done(page))
    answers = given(project)
    assert len(answers) == len({row for row, *_ in answers}) == BUDGET + AUDITED
    assert all(label == truth[row] for row, label, _ in answers)
    assert {answer.way for *_, answer in answers} == {"page"}
    assert [answer.strategy for *_, answer in answers].count("audit") == AUDITED
    audited = [task for task in tasks if task["kind"] == "audit"]
    assert audited and all(set(task) == {"row", "kind", "image", "original"} for task in audited)
    # From key to the next picture painted, in milliseconds.
    times = page.evaluate("window.selflabelTimes")
    assert np.quantile(times, 0.95) <= 100


def test_what_was_taken_back_is_answered_anew_and_the_last_word_counts(page, pictures, serve):
    project, _ = pictures
    opened(page, serve(project))
    rows = [press(page, "1") for _ in range(3)]
    for row in reversed(rows):
        page.keyboard.press("ArrowLeft")
        until(lambda row=row: shown_row(page) == row)
    for row in rows:
        assert press(page, "2") == row
    latest = {}
    until(lambda: len(given(project)) >= 3)
    until(lambda: not latest.update({row: label for row, label, _ in given(project)}) and len(latest) == 3
          and set(latest.values()) == {classes_of(project)[1]})  # fmt: skip
    assert set(latest) == set(rows)


def test_a_class_is_named_while_answering_and_has_a_key_from_then_on(page, pictures, serve):
    project, _ = pictures
    opened(page, serve(project))
    row = shown_row(page)
    page.keyboard.press("+")
    page.keyboard.type("Digit 0")
    page.keyboard.press("Enter")
    until(lambda: "must differ by more than case" in page.locator("#class-error").inner_text())
    page.locator("#class-name").fill(" no digit ")
    if "PICTURES" in os.environ:
        page.screenshot(path=ROOT / os.environ["PICTURES"] / "label-class.png")
    page.keyboard.press("Enter")
    until(lambda: shown_row(page) != row)
    assert not page.locator("#class-dialog").is_visible()
    assert page.locator("#classes button").all_inner_texts()[-1].split() == ["B", "no", "digit"]
    second = press(page, "b")
    until(lambda: len(given(project)) == 2)
    assert [(row, label) for row, label, _ in given(project)] == [(row, "no digit"), (second, "no digit")]
    page.reload()
    page.locator("#stage img").wait_for()
    assert page.locator("#classes button").count() == len(classes_of(project)) == 11


def test_a_skip_and_a_note_arrive_as_they_were_meant(page, pictures, serve):
    project, _ = pictures
    opened(page, serve(project))
    skipped = press(page, "0")
    page.keyboard.press("Enter")
    page.keyboard.type('=1+1, "so"')
    page.keyboard.press("Escape")
    noted = press(page, "3")
    until(lambda: len(given(project)) == 2)
    (first, label, _), (second, _, answer) = given(project)
    assert (first, label, second) == (skipped, "skip", noted)
    assert answer.comment == '=1+1, "so"'
    assert "\"'=1+1" in (project.folder / "answers.csv").read_text()


def test_two_browsers_share_a_round_and_lose_and_double_nothing(chromium, pictures, serve):
    project, truth = pictures
    server, contexts = serve(project), [chromium.new_context() for _ in range(2)]
    pages = [opened(context.new_page(), server) if n == 0 else context.new_page() for n, context in enumerate(contexts)]
    pages[1].goto(server.address)
    classes, rows = classes_of(project), [[], []]
    for turn in range(2 * PER_ROUND):
        page = pages[turn % 2]
        if (row := shown_row(page)) is not None and len(given(project)) < PER_ROUND:
            page.keyboard.press(KEYS[classes.index(truth[row])])
            until(lambda page=page, row=row: shown_row(page) != row)
            rows[turn % 2].append(row)
    until(lambda: len(given(project)) >= PER_ROUND)
    answers = [row for row, *_ in given(project)]
    assert len(set(answers)) == len(answers) and set(answers) == {*rows[0], *rows[1]}
    for context in contexts:
        context.close()


def test_a_reload_in_the_middle_goes_on_where_it_was(page, pictures, serve):
    project, _ = pictures
    opened(page, serve(project))
    answered = {press(page, "1"), press(page, "1")}
    until(lambda: len(given(project)) == 2)
    page.reload()
    page.locator("#stage img").wait_for()
    assert shown_row(page) not in answered


def test_a_server_that_was_killed_loses_nothing_and_goes_on(page, pictures, serve):
    project, _ = pictures
    server = serve(project)
    opened(page, server)
    first = press(page, "1")
    until(lambda: len(given(project)) == 1)
    server.kill()
    kept = press(page, "2")
    page.get_by_text("not saved yet").wait_for()
    again = serve(project, "--port", str(server.port))
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(again.address)
    until(lambda: len(given(project)) == 2)
    assert [(row, label) for row, label, _ in given(project)] == [
        (first, classes_of(project)[0]), (kept, classes_of(project)[1])
    ]  # fmt: skip


def test_a_narrow_window_shows_the_image_and_all_classes(page, pictures, serve):
    project, _ = pictures
    page.set_viewport_size({"width": 360, "height": 740})
    opened(page, serve(project))
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    boxes = [button.bounding_box() for button in page.locator("#classes button").all()]
    assert len(boxes) == 10 and all(box["x"] >= 0 and box["y"] + box["height"] <= 740 for box in boxes)
    assert page.locator("#stage img").bounding_box()["height"] > 150


def test_names_of_classes_are_text_and_never_markup(page, default_project_folder, serve, tmp_path):
    names = [
        "<script>alert(1)</script>",
        '"quoted" & more',
        "=1+1",
        "\u202eright to left",
        *(f"n{n}" for n in range(6)),
    ]
    # A slash cannot be in a folder's name.
    names[0] = "<img src=x onerror=alert(1)>"
    project, truth = new_project(default_project_folder, tmp_path, names)
    page.on("dialog", lambda dialog: pytest.fail(f"the page ran {dialog.message}"))
    opened(page, serve(project))
    classes = classes_of(project)
    shown = page.locator("#classes").inner_text()
    assert all(name in shown for name in names if name.isprintable()) and page.locator("#classes img").count() == 0
    rows = [press(page, KEYS[classes.index(name)]) for name in names[:4]]
    until(lambda: len(given(project)) == 4)
    assert [label for _, label, _ in given(project)] == names[:4] and len(rows) == 4
    assert by_row(project, truth)


def test_finish_says_what_it_does_runs_it_and_shows_its_lines(page, pictures, serve):
    project, truth = pictures
    project.set(ask={"budget": 2, "per_round": 2}, audit={"size": 2, "planned": 2})
    opened(page, serve(project))
    answer_until(page, truth, classes_of(project), ends=lambda: is_done(page))
    page.locator("#finish").click()
    assert "dvc repro" in page.locator("#finish-dialog").inner_text()
    page.locator("#finish-start").click()
    until(lambda: "Running stage 'finish'" in page.locator("#log").inner_text(), seconds=120)
    until(lambda: (project.folder / "data/export/README.md").exists(), seconds=120)
    until(lambda: "draw:" in page.locator("#log").inner_text() or "queue:" in page.locator("#log").inner_text(), 120)


def test_each_of_two_writers_at_once_keeps_all_answers(page, pictures, serve):
    """The page, and `selflabel answer` in the same seconds."""
    project, truth = pictures
    project.run("dvc", "repro", "queue")
    queue = files.read_table(project.folder / "data/queue/queue.csv")
    queue["label"] = np.array([truth[row] for row in queue["row"]], object)
    files.write_table(project.folder / "filled.csv", queue)
    opened(page, serve(project))
    command = ("python", "-m", "selflabel", "answer", "filled.csv", "--annotator", "bob")
    writer = threading.Thread(target=project.run, args=command)
    writer.start()
    press(page, "1")
    writer.join()
    until(lambda: len(given(project)) >= PER_ROUND)
    rows = [row for row, _, answer in given(project) if answer.annotator == "bob"]
    assert sorted(rows) == sorted(queue["row"].tolist())


@pytest.mark.skipif("PICTURES" not in os.environ, reason="writes pictures: PICTURES=docs/pictures make test-browser")
def test_pictures_for_the_docs(page, pictures, serve):
    project, truth = pictures
    opened(page, serve(project))
    for name, width, height, scheme in (("wide", 1120, 640, "light"), ("narrow", 360, 740, "dark")):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        press(page, KEYS[classes_of(project).index(truth[shown_row(page)])])
        page.wait_for_timeout(500)
        page.screenshot(path=ROOT / os.environ["PICTURES"] / f"label-{name}.png")


def test_the_page_of_the_run_shows_it_with_filters_in_the_address_and_tells_an_images_story(page, pictures, serve):
    project, truth = pictures
    server = serve(project)
    opened(page, server)
    run = page.context.new_page()
    run.goto(f"{server.origin}/run")
    run.get_by_text("There is no audit yet").wait_for()
    assert "240" in run.locator("#counts").inner_text()
    answer_until(page, truth, classes_of(project), ends=lambda: page.locator("#banner").inner_text() != "")
    audited = {shown_row(page)}
    # The run's page looks again by itself.
    run.get_by_text("Nothing is certified yet").wait_for()
    run.goto(f"{server.origin}/run#origin=machine")
    run.locator("#gallery button").first.wait_for()
    assert run.locator("#filters [name=origin]").input_value() == "machine"
    shown = {int(image.get_attribute("src").split("/")[-1]) for image in run.locator("#gallery img").all()}
    assert shown and not shown & audited
    run.locator("#gallery button").first.click()
    run.locator("#story-lines li").nth(4).wait_for()
    assert "machine labels by round" in run.locator("#story-lines").inner_text()
    run.locator("#story-close").click()
    run.locator("#filters [name=class]").select_option("digit 3")
    until(lambda: "class=digit+3" in run.url)
    answer_until(page, truth, classes_of(project), ends=lambda: is_done(page))
    run.get_by_text(f"of {AUDITED} machine labels drawn at random").wait_for()
    if "PICTURES" in os.environ:
        run.set_viewport_size({"width": 1120, "height": 1400})
        run.wait_for_timeout(500)
        run.screenshot(path=ROOT / os.environ["PICTURES"] / "run.png")


def grid_of(page, server, reason) -> list[int]:
    """Open the grid at the first group for a reason; return its rows."""
    page.goto(f"{server.origin}/grid")
    page.locator("#cells img").first.wait_for()
    options = page.locator("#group option").all_inner_texts()
    with page.expect_response(lambda response: "/api/grid" in response.url):
        page.locator("#group").select_option(index=next(n for n, text in enumerate(options) if text.startswith(reason)))
    until(lambda: page.locator("#cells button").first.is_enabled())
    return [row for row, _ in cells_of(page)]


def cells_of(page) -> list[tuple[int, str]]:
    """The rows of the grid on the screen, and the label of each."""
    texts = page.locator("#cells button").evaluate_all("cells => cells.map((cell) => cell.getAttribute('aria-label'))")
    return [(int(row), label) for row, label in (re.match(r"Row (\d+): (.*)", text).groups() for text in texts)]


def test_many_labels_are_confirmed_and_corrected_by_keyboard_alone_in_one_go(page, pictures, serve):
    project, _ = pictures
    server, classes = serve(project), classes_of(project)
    opened(page, server)
    rows = grid_of(page, server, "Labelled by the machine")
    page.locator("#cells button").first.focus()
    name = page.locator("#clue bdi").inner_text()
    other = classes.index(name) - 1
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    page.wait_for_timeout(GUARD)
    page.keyboard.press("Enter")
    page.get_by_text("1 marked image has no class yet").wait_for()
    assert given(project) == []
    page.keyboard.press(KEYS[other])
    page.keyboard.press("ArrowRight")
    page.keyboard.press("0")
    if "PICTURES" in os.environ:
        page.set_viewport_size({"width": 1120, "height": 640})
        page.wait_for_timeout(500)
        page.screenshot(path=ROOT / os.environ["PICTURES"] / "grid.png")
    page.keyboard.press("Enter")
    page.get_by_text(f"{len(rows)} answers saved.").wait_for()
    # That key once more was meant for these, and not for those that came after them.
    page.keyboard.press("Enter")
    expected = [name, classes[other], "skip", *[name] * (len(rows) - 3)]
    assert [(row, label) for row, label, _ in given(project)] == list(zip(rows, expected, strict=True))
    assert {(answer.strategy, answer.way) for *_, answer in given(project)} == {("confirmed", "grid")}
    # Back to it, and one of them is another now.
    page.keyboard.press("Backspace")
    page.keyboard.press(KEYS[other])
    page.wait_for_timeout(GUARD)
    page.keyboard.press("Enter")
    until(lambda: len(given(project)) == len(rows) + 1)
    assert given(project)[-1][:2] == (rows[0], classes[other])
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{server.origin}/grid")
    page.locator("#cells img").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("#confirm").bounding_box()["y"] < 740
    if "PICTURES" in os.environ:
        page.screenshot(path=ROOT / os.environ["PICTURES"] / "grid-narrow.png")


def test_what_an_audit_left_is_confirmed_with_the_mouse_and_what_it_judges_is_never_there(page, pictures, serve):
    project, truth = pictures
    project.set(audit={"label_rest": True, "error": 0.001})
    server, shown = serve(project), []
    opened(page, server)

    def note(response):
        if "/api/grid" in response.url and response.request.method == "GET" and response.ok:
            shown.extend(cell["row"] for cell in response.json()["cells"])

    page.on("response", note)
    classes = classes_of(project)
    answer_until(page, truth, classes, ends=lambda: page.locator("#banner").inner_text() != "")
    grid = page.context.new_page()
    grid.on("response", note)
    grid.goto(f"{server.origin}/grid")
    grid.get_by_text("While there is an audit").or_(grid.locator("#cells img").first).first.wait_for()
    answer_until(page, truth, classes, ends=lambda: page.locator("#banner").inner_text() == "")
    grid.reload()
    while True:
        grid.locator("#cells img").first.or_(grid.get_by_text("Nothing waits here")).first.wait_for()
        if not grid.locator("#cells button").count() or "Left by the audit" not in grid.locator("#choose").inner_text():
            break
        rows = cells_of(grid)
        for n, (row, label) in enumerate(rows):
            if truth[row] != label:
                grid.locator("#cells button").nth(n).click()
                grid.locator("#classes button").nth(classes.index(truth[row])).click()
        before = len(given(project))
        # Who presses twice does not confirm what they have not seen.
        grid.wait_for_timeout(GUARD)
        grid.locator("#confirm").click()
        until(lambda before=before, rows=rows: len(given(project)) == before + len(rows))
        until(lambda rows=rows: not {row for row, _ in rows} & {row for row, _ in cells_of(grid)})
    rest = [(row, label) for row, label, answer in given(project) if answer.strategy == "rest"]
    assert rest and all(truth[row] == label for row, label in rest)
    audited = {row for row, _, answer in given(project) if answer.strategy == "audit"}
    assert len(audited) == AUDITED and not audited & set(shown)
    # The other page has an image on the screen that waits for nobody any more.
    page.reload()
    until(lambda: is_done(page))
