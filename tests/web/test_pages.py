#!/usr/bin/env python3
"""The web pages in a real headless Chromium: each page's main action, screenshots into a folder to be looked at.

    test_pages.py CHERT SHOTS_FOLDER [unittest arguments]

Exits with 77 (skipped) where there is no Chromium. CHERT_WEB_RUNS is how many runs the big experiment has.
"""

import base64
import json
import os
import pathlib
import subprocess
import sys
import unittest
from urllib.parse import quote

import browser
import seed

SKIPPED = 77
CHERT, SHOTS = (os.path.abspath(sys.argv.pop(1)) for _ in range(2))
RUNS = int(os.environ.get("CHERT_WEB_RUNS", "400"))
PYTHON = pathlib.Path(seed.ROOT / "deps" / "venv-4.1.3" / "bin" / "python")
ENTER, SPACE, UP, DOWN, ESCAPE, END = "\ue007", " ", "\ue013", "\ue015", "\ue00c", "\ue010"

CLIENT = """
from pyspark.sql import SparkSession, functions as F
spark = SparkSession.builder.getOrCreate()
frame = spark.range(1000).withColumn("parity", F.col("id") % 2)
frame.createOrReplaceTempView("numbers")
frame.cache().count()
spark.sql("SELECT parity, count(*) AS n FROM numbers GROUP BY parity").collect()
print("ready", flush=True)
try:
    spark.range(10**8).crossJoin(spark.range(10**6).toDF("j")).select(F.sum(F.sin(F.col("id") * F.col("j")))).collect()
except Exception as e:
    print(type(e).__name__, flush=True)
input()
"""


def setUpModule():
    """One server with data and one browser for all tests."""
    Pages.server = seed.Server(CHERT)
    unittest.addModuleCleanup(Pages.server.stop)
    Pages.leads, Pages.best = seed.seed_leads(Pages.server)
    Pages.clusters, Pages.elbow = seed.seed_clusters(Pages.server)
    Pages.sweep = seed.seed_sweep(Pages.server, RUNS)
    Pages.assistant, Pages.traces = seed.seed_traces(Pages.server)
    Pages.several = seed.seed_models(Pages.server)
    Pages.browser = browser.Browser().__enter__()
    unittest.addModuleCleanup(Pages.browser.__exit__)


class Pages:
    """What tests of pages share; each test begins on the page it opens."""

    expected_errors = ()  # what the console may complain of

    def setUp(self):
        self.browser.theme("light")
        self.browser.size(1440, 900)

    def tearDown(self):
        self.browser.open("about:blank")  # a page that still asks would complain when its server is stopped
        # What a page did wrong without anybody seeing it: exceptions, files missing, what the policy refused.
        messages = self.browser.errors()
        self.assertEqual([m for m in messages if not any(text in m for text in self.expected_errors)], [])

    def open(self, address, text=None):
        self.browser.open("about:blank")
        self.browser.open(f"{self.server.url}/#{address}")
        if text:
            self.browser.wait_text(text)

    def shot(self, name):
        """In the light, in the dark, and on a phone."""
        self.browser.screenshot(f"{SHOTS}/{name}.png")
        self.browser.theme("dark")
        self.browser.screenshot(f"{SHOTS}/{name}-dark.png")
        self.browser.theme("light")
        self.browser.size(390, 844, phone=True)
        # Not wider than the phone, as soon as what draws itself anew for another width has done so.
        self.browser.wait("innerWidth === 390 && document.documentElement.scrollWidth <= innerWidth")
        self.browser.screenshot(f"{SHOTS}/{name}-phone.png")
        self.browser.size(1440, 900)

    def rows(self, n=None):
        """The cells of the rows in sight of the table, once it is at rest; if asked, once there are `n`."""
        return self.browser.wait(
            """(() => {
                const rows = [...document.querySelectorAll('.vt-body .vt-row')].sort((a, b) => a.index - b.index);
                return document.querySelector('.vt').ariaBusy === 'false' && rows.length &&
                    [null, rows.length].includes(arguments[0]) &&
                    rows.map((row) => [...row.querySelectorAll('.vt-cell')].map((cell) => cell.innerText.trim()));
            })()""",
            n,
        )

    def tick(self, name):
        """Selects the row of that name."""
        row = "[...document.querySelectorAll('.vt-row')].find((e) => e.querySelector('a').innerText === arguments[0])"
        number = self.browser.wait(f"document.querySelector('.vt').ariaBusy === 'false' && {row}.ariaRowIndex", name)
        self.browser.click(f".vt-row[aria-rowindex='{number}'] input")

    def fill_dialog(self, **values):
        for name, value in values.items():
            self.browser.type(f"dialog [name={name}]", value)
        self.browser.click("dialog [type=submit]")
        self.browser.wait("!document.querySelector('dialog')")

    def downloaded(self, action):
        """The text of the file that an action makes the page give to the browser."""
        self.browser.script(
            """window.files = [];
               const make = URL.createObjectURL;
               URL.createObjectURL = (blob) => {
                   blob.text().then((text) => window.files.push(text));
                   return make(blob);
               };"""
        )
        action()
        return self.browser.wait("window.files[0]")

    def run_address(self, info, *more):
        return "/".join(["/experiments", info["experiment_id"], "runs", info["run_id"], *more])


class ExperimentPages(Pages, unittest.TestCase):
    def test_experiments_with_counts(self):
        self.open("/experiments", "Lead scoring")
        counts = {row[1]: row[2] for row in self.rows()}
        self.assertEqual((counts["Lead scoring"], counts["Sweep"], counts["Default"]), ("7", f"{RUNS:,}", "0"))
        self.shot("experiments")

    def test_create_rename_delete_restore_and_purge(self):
        self.open("/experiments", "Lead scoring")
        self.browser.click("button", "New experiment")
        self.fill_dialog(name="Fresh <b>one</b>")
        self.browser.wait_text("Fresh <b>one</b>", "h1")
        self.open("/experiments", "Fresh <b>one</b>")
        self.browser.click("button", "Actions for Fresh <b>one</b>")
        self.browser.click("[role=menuitem]", "Rename")
        self.fill_dialog(name="Renamed")
        self.browser.wait_text("Renamed", ".vt-body")
        self.browser.click("button", "Actions for Renamed")
        self.browser.click("[role=menuitem]", "Delete")
        self.fill_dialog()
        self.browser.wait("!document.querySelector('.vt-body').innerText.includes('Renamed')")
        self.browser.click("button", "Deleted")
        self.browser.click("button", "Actions for Renamed")
        self.browser.click("[role=menuitem]", "Restore")
        self.browser.wait_text("No experiments match.")
        self.browser.click("button", "Active")
        self.browser.click("button", "Actions for Renamed")
        self.browser.click("[role=menuitem]", "Delete")
        self.fill_dialog()
        self.browser.click("button", "Deleted")
        self.browser.click("button", "Actions for Renamed")
        self.browser.click("[role=menuitem]", "Delete permanently")
        self.fill_dialog()
        self.browser.wait_text("No experiments match.")
        self.server.experiment("Renamed")  # the name is free again


class RunPages(Pages, unittest.TestCase):
    def test_metrics_and_params_are_columns_from_the_start(self):
        self.open(f"/experiments/{self.leads}", "GBT_v2")
        titles = self.browser.script(
            "return [...document.querySelectorAll('.vt-head .vt-title')].map((e) => e.innerText)"
        )
        self.assertEqual(titles[:6], ["Run", "Created", "Duration", "accuracy", "auc", "loss"])
        self.assertIn("max_depth", titles)
        self.assertEqual(self.rows()[0][1], "GBT_v2")
        self.assertIn("7 runs", self.browser.text(".runs-status"))
        self.shot("runs")

    def test_filter_and_its_error(self):
        self.expected_errors = ("400",)
        self.open(f"/experiments/{self.leads}", "GBT_v2")
        self.browser.type(".filter input", 'metrics.auc > 0.9 and params.algorithm = "GBT"')
        self.browser.keys(ENTER)
        self.browser.wait_text("2 matching runs")
        self.assertEqual({row[1] for row in self.rows(2)}, {"GBT_v1", "GBT_v2"})
        self.browser.type(".filter input", "nonsense filter")
        self.browser.keys(ENTER)
        self.browser.wait_text("Invalid clause", ".problem")

    def test_suggestions_complete_names(self):
        self.open(f"/experiments/{self.leads}", "GBT_v2")
        self.browser.type(".filter input", "accu")
        self.browser.find(".suggestions div", "metrics.accuracy")
        self.browser.keys(DOWN, ENTER)
        self.browser.wait_value(".filter input", "metrics.accuracy ")

    def test_sort_by_a_metric(self):
        self.open(f"/experiments/{self.leads}", "GBT_v2")
        self.browser.click(".vt-head button", "metric\nauc")
        self.browser.wait("document.querySelector('[aria-sort=descending]')")
        names = [row[1] for row in self.rows(7)]
        self.assertEqual(names[:4], ["GBT_v2", "GBT_v1", "RF_baseline", "trial depth 5"])
        self.browser.click("[aria-sort] button")
        self.browser.wait("document.querySelector('[aria-sort=ascending]')")
        self.browser.wait("document.querySelector('.vt-row[aria-rowindex=\"2\"]')?.innerText.includes('trial depth 4')")

    def test_nested_runs_and_groups(self):
        self.open(f"/experiments/{self.leads}?group=parent", "trial depth 4")
        names = [row[1] for row in self.rows()]
        self.assertEqual(set(names[names.index("grid search") + 1 :][:2]), {"trial depth 4", "trial depth 5"})
        self.shot("runs-nested")
        self.open(f"/experiments/{self.leads}?group=params.algorithm", "algorithm: GBT")
        self.rows(4)

    def test_columns_can_be_chosen_and_stay_so(self):
        self.open(f"/experiments/{self.leads}", "GBT_v2")
        self.browser.click("button", "Columns")
        self.browser.click(".columns-panel label", "label")
        self.browser.wait("![...document.querySelectorAll('.vt-head .vt-title')].some((e) => e.innerText === 'label')")
        self.browser.keys(ESCAPE)
        self.open(f"/experiments/{self.leads}", "GBT_v2")
        self.browser.wait_text("max_depth", ".vt-head")
        self.assertNotIn("label", self.browser.text(".vt-head").split("\n"))

    def test_columns_that_differ_pins_and_links(self):
        self.open(f"/experiments/{self.leads}?filter=params.max_iter+%3D+%2710%27", "4 matching runs")
        self.rows(4)
        self.browser.click("button", "Columns")
        self.browser.click("button", "Only what differs")
        self.browser.wait("!document.querySelector('.vt-head').innerText.includes('max_iter')")
        self.browser.click("button", "Keep auc in sight")
        self.browser.wait("document.querySelector('.vt-head .vt-frozen').innerText.includes('auc')")
        address = self.browser.wait("location.hash.includes('hide=') && location.href")
        self.browser.script("document.querySelector('[aria-label=\"Keep auc in sight\"]').focus()")
        self.browser.keys(ENTER, ENTER)  # the button was drawn anew and has the focus still
        self.browser.wait("document.activeElement.getAttribute('aria-label') === 'Keep auc in sight'")
        self.browser.click("button", "As at first")
        self.browser.wait("document.querySelector('.vt-head').innerText.includes('max_iter')")
        self.open(address.split("#")[1], "4 matching runs")  # what was hidden comes with the link
        self.rows(4)
        self.assertNotIn("max_iter", self.browser.text(".vt-head"))
        self.assertIn("max_depth", self.browser.text(".vt-head"))

    def test_columns_can_be_made_wider(self):
        self.open(f"/experiments/{self.leads}", "GBT_v2")
        self.rows(7)
        width = "document.querySelector('.vt-row[aria-rowindex=\"2\"] .vt-cell:nth-child(2)').offsetWidth"
        before = self.browser.script(f"return {width}")
        self.browser.drag(".vt-head .vt-frozen .vt-grip", 60)
        self.browser.wait(f"{width} === arguments[0] + 60", before)
        self.open(f"/experiments/{self.leads}", "GBT_v2")
        self.rows(7)
        self.browser.wait(f"{width} === arguments[0] + 60", before)
        self.browser.size(390, 844, phone=True)  # there is room for other columns still
        self.browser.wait(f"{width} < 230")
        self.browser.script("localStorage.clear()")

    def test_download_of_the_table(self):
        self.open(f"/experiments/{self.leads}?order=metrics.auc+DESC", "GBT_v2")
        self.rows(7)
        lines = self.downloaded(lambda: self.browser.click("button", "Download as CSV")).split("\r\n")
        self.assertEqual(len(lines), 8)
        head, best = (dict(enumerate(line.split(","))) for line in lines[:2])
        values = {name: best[i] for i, name in head.items()}
        self.assertEqual((values["name"], values["metrics.auc"]), ("GBT_v2", "0.9132"))
        self.assertEqual(values["run_id"], self.best["run_id"])

    def test_select_a_range(self):
        self.open(f"/experiments/{self.leads}", "GBT_v2")
        self.tick("GBT_v2")
        box = "document.querySelector(`.vt-row[aria-rowindex='${arguments[0]}'] input`)"
        click = f"{box}.dispatchEvent(new MouseEvent('click', {{bubbles: true, shiftKey: true}}))"
        self.browser.wait(f"document.querySelector('.vt').ariaBusy === 'false' && ({click}, true)", 5)
        self.browser.wait_text("4 selected", ".runs-status")

    def test_description_and_tags_of_an_experiment(self):
        experiment = self.server.experiment("Described")
        self.open(f"/experiments/{experiment}", "No runs match.")
        self.browser.click("button", "More")
        self.browser.click("[role=menuitem]", "Edit the description")
        text = "# Leads\n\n- **bold** and `code`\n- [bad](javascript:alert(1)) <b>x</b>\n- https://example.org/a\n"
        self.fill_dialog(text=text)
        self.browser.click(".note-box summary")
        self.browser.wait("document.querySelector('.markdown h2').innerText === 'Leads'")
        links = self.browser.script("return [...document.querySelectorAll('.markdown a')].map((a) => a.href)")
        self.assertEqual(links, ["https://example.org/a"])
        self.browser.wait_text("[bad](javascript:alert(1)) <b>x</b>", ".markdown li")
        self.browser.click("button", "More")
        self.browser.click("[role=menuitem]", "Add a tag")
        self.fill_dialog(key="owner", value="anna")
        self.browser.wait_text("anna", ".tags")
        self.open("/experiments", "# Leads")

    def test_new_runs_appear_by_themselves(self):
        experiment = self.server.experiment("Growing")
        self.server.run(experiment, "first")
        self.open(f"/experiments/{experiment}", "first")
        self.server.run(experiment, "second", start=seed.START + 1000)
        self.browser.wait_text("2 runs", ".runs-status")
        self.assertEqual([row[1] for row in self.rows(2)], ["second", "first"])

    def test_choosing_which_runs_are_drawn(self):
        self.open(f"/experiments/{self.sweep}?view=charts", "auc")
        self.browser.click("button", f"30 of {RUNS:,} runs drawn")
        self.browser.click("button", "None")
        self.browser.wait_text("No runs are chosen.")
        self.browser.type(".columns-panel input[type=search]", f"-{RUNS - 40}")
        self.browser.wait("document.querySelectorAll('.columns-panel .tick').length === 1")
        self.browser.click(".columns-panel .tick")
        self.browser.wait("document.querySelectorAll('.bar-row').length > 0")
        self.browser.wait_text(f"1 of {RUNS:,} runs drawn")

    def test_keyboard(self):
        self.open(f"/experiments/{self.leads}", "GBT_v2")
        self.rows(7)
        self.browser.script("document.querySelector('.vt').focus()")
        self.browser.keys(DOWN, SPACE, DOWN, SPACE)
        self.browser.wait_text("2 selected")
        self.browser.keys(ENTER)
        self.browser.wait_text("GBT_v1", "h1")

    def test_many_runs_scroll(self):
        self.open(f"/experiments/{self.sweep}", "runs")
        self.browser.wait_text(f"{RUNS:,} runs")
        self.assertGreater(sum(map(len, self.rows())), 100)
        self.browser.script("document.querySelector('.vt').focus()")
        self.browser.keys(END)
        last = "document.querySelector('.vt-row[aria-rowindex=\"' + arguments[0] + '\"] .run-name')?.innerText"
        self.assertRegex(self.browser.wait(last, RUNS + 1), r"-0$")  # the oldest run is the last
        self.assertLess(self.browser.script("return document.querySelectorAll('.vt-row').length"), 100)

    def test_delete_restore_and_purge(self):
        experiment = self.server.experiment("To be emptied")
        self.server.run(experiment, "doomed", metrics={"m": 1})
        self.open(f"/experiments/{experiment}", "doomed")
        self.tick("doomed")
        self.browser.click("button", "Delete")
        self.fill_dialog()
        self.browser.wait_text("No runs match.")
        self.browser.click("button", "Deleted")
        self.tick("doomed")
        self.browser.click("button", "Restore")
        self.browser.wait_text("No runs match.")
        self.browser.click("button", "Active")
        self.tick("doomed")
        self.browser.click("button", "Delete")
        self.fill_dialog()
        self.browser.click("button", "Deleted")
        self.tick("doomed")
        self.browser.click("button", "Delete permanently")
        self.fill_dialog()
        self.browser.click("button", "All")
        self.browser.wait_text("No runs match.")

    def test_charts_across_runs(self):
        self.open(f"/experiments/{self.leads}?view=charts", "accuracy")
        self.browser.wait(
            "document.querySelectorAll('.bar-row').length >= 4 && document.querySelector('.uplot canvas')"
        )
        self.shot("charts")
        self.open(f"/experiments/{self.sweep}?view=charts", "auc")
        self.browser.click("button", "Parallel and scatter")
        self.browser.wait(
            "document.querySelector('.parallel canvas') && document.querySelectorAll('.chart canvas').length > 1"
        )
        self.shot("charts-parallel")

    def test_elbow_across_runs(self):
        self.open(f"/experiments/{self.clusters}?view=charts", "Number of clusters")
        self.browser.wait(
            "[...document.querySelectorAll('svg text')].filter((e) => e.textContent === 'k = 4').length === 2"
        )
        self.shot("charts-elbow")


class RunPage(Pages, unittest.TestCase):
    def test_overview(self):
        self.open(self.run_address(self.best), "max_depth")
        text = self.browser.text("main")
        for expected in ("GBT_v2", "finished", "0.9132", "anna", "sales", "lead_scoring.py", "1 min 1 s"):
            self.assertIn(expected, text)
        self.browser.wait_text("LeadScoring v2")
        self.shot("run")

    def test_tags_and_rename(self):
        info = self.server.run(self.leads, "to be tagged", start=seed.START - 20_000_000)
        self.open(self.run_address(info), "to be tagged")
        self.browser.click("button", "Add tag")
        self.fill_dialog(key="colour", value="<i>red</i>")
        self.browser.wait_text("<i>red</i>", ".tags")
        self.browser.click("button", "Change colour")
        self.fill_dialog(value="blue")
        self.browser.wait_text("blue", ".tags")
        self.browser.click("button", "Remove colour")
        self.browser.wait("!document.querySelector('.tags').innerText.includes('colour')")
        self.browser.click("button", "Rename")
        self.fill_dialog(name="renamed run")
        self.browser.wait_text("renamed run", "h1")
        self.server.post("runs/delete", run_id=info["run_id"])
        self.call_purge(info)

    def call_purge(self, info):
        body = json.dumps({"run_ids": [info["run_id"]]})
        status, _, answer = self.server.request("POST", "/api/chert/v1/gc", body, {"Content-Type": "application/json"})
        self.assertEqual(status, 200, answer)

    def test_metric_charts(self):
        self.open(self.run_address(self.best, "metrics"), "loss")
        self.browser.wait("document.querySelectorAll('.uplot canvas').length === 1")  # loss alone has a history
        self.browser.click("button", "Relative time")
        self.browser.click("label", "Log scale")
        self.browser.script("""const slider = document.querySelector('input[type=range]');
               slider.value = 0.9; slider.dispatchEvent(new Event('input', {bubbles: true}))""")
        self.browser.wait("document.querySelectorAll('.uplot canvas').length === 1")
        self.shot("run-metrics")

    def test_download_of_a_metric(self):
        self.open(self.run_address(self.best, "metrics"), "loss")
        lines = self.downloaded(lambda: self.browser.click("button", "Download loss")).split("\r\n")
        self.assertEqual((len(lines), lines[0], lines[80].split(",")[0]), (81, "step,timestamp,value", "79"))

    def test_a_running_run_is_live(self):
        info = self.server.run(self.clusters, "live", status="RUNNING", series={"loss": [3, 2]}, start=seed.START + 500)
        self.open(self.run_address(info, "metrics"), "loss")
        self.browser.wait_text("2", ".card .n")
        self.server.post("runs/log-metric", run_id=info["run_id"], key="gain", value=7.5, timestamp=seed.START, step=0)
        self.browser.wait_text("gain", ".card h2")
        self.server.post("runs/delete", run_id=info["run_id"])
        self.call_purge(info)

    def test_elbow_of_one_run(self):
        self.open(self.run_address(self.elbow, "metrics"), "Number of clusters")
        self.browser.wait(
            "[...document.querySelectorAll('svg text')].filter((e) => e.textContent === 'k = 4').length === 2"
        )
        self.shot("run-elbow")

    def preview(self, *path):
        self.open(self.run_address(self.best, "artifacts", *path), path[-1])

    def test_artifacts(self):
        self.preview("roc.json")
        self.browser.wait_text("0.913", ".preview")
        self.shot("artifact-roc")
        self.preview("confusion_matrix.json")
        self.browser.wait_text("82.3 %", ".preview")
        self.shot("artifact-confusion")
        self.preview("feature_importance.json")
        self.browser.wait("document.querySelectorAll('.preview .bar-row').length === 4")
        self.preview("data", "leads.csv")
        self.browser.wait_text("3,000 rows, 3 columns", ".preview")
        self.assertEqual(self.rows()[1][:2], ["1", "Person 1, jr"])
        self.shot("artifact-csv")
        self.preview("plot.svg")
        self.browser.wait("document.querySelector('.preview img')?.naturalWidth === 200")
        self.preview("config.json")
        self.browser.wait_text("<b>not bold</b>", ".preview pre")

    def test_pdf_and_markdown(self):
        uri = self.best["artifact_uri"]
        self.server.put_artifact(uri, "paper/model.pdf", b"%PDF-1.4")
        self.server.put_artifact(uri, "paper/card.md", b"## Model card\n\n| a | b |\n|---|---|\n| 1 | 2 |")
        self.preview("paper", "model.pdf")
        self.browser.find(".preview button", "Open")
        self.preview("paper", "card.md")
        self.browser.wait_text("Model card", ".preview h3")
        self.browser.wait("document.querySelectorAll('.preview td').length === 2")

    def test_text_is_text(self):
        self.preview("notes.txt")
        self.browser.wait_text("<script>", ".preview pre")
        self.assertNotEqual(self.browser.script("return document.title"), "broken in")

    def test_html_runs_in_a_world_of_its_own(self):
        self.preview("report.html")
        self.browser.wait("document.querySelector('.preview iframe')")
        frame = self.browser.find(".preview iframe")
        self.browser.act("POST", "/frame", {"id": {browser.ELEMENT: frame}})
        self.browser.wait_text("Report")
        self.browser.wait_text("script ran null")  # the origin of no site
        self.browser.act("POST", "/frame", {"id": None})

    def test_model_tab(self):
        self.open(self.run_address(self.best, "model"), "StringIndexerModel")
        text = self.browser.text("main")
        for expected in ("VectorAssembler", "LogisticRegressionModel", "cat", "string", "mlflow.spark.load_model"):
            self.assertIn(expected, text)
        self.browser.wait_text("Coefficients")
        self.assertIn("x1", self.browser.text(".bars"))
        self.shot("run-model")

    def test_what_stages_learned(self):
        self.open(self.run_address(self.several, "model"), "Coefficients of each class")
        self.browser.wait("document.querySelectorAll('.heat').length === 2 && document.querySelector('.tree-chart g')")
        text = self.browser.text("main")
        for expected in ("Cluster centres", "intercept", "Features, StandardScalerModel", "std", "blue",
                         "Labels, StringIndexerModel", "Feature importances", "Trees, RandomForest"):
            self.assertIn(expected, text)
        self.shot("run-models")
        leaves = "document.querySelector('.tree-chart').querySelectorAll('g.node').length"
        before = self.browser.script(f"return {leaves}")
        self.browser.script("document.querySelector('.tree-chart g.node[tabindex]').focus()")
        self.browser.keys(ENTER)  # closes the root
        self.browser.wait(f"{leaves} < arguments[0]", before)

    def test_register(self):
        self.open(self.run_address(self.best, "model"), "Register model")
        self.browser.click("button", "Register model")
        self.fill_dialog(name="Another model")
        self.browser.wait_text("Version 1", "h1")


class ComparePage(Pages, unittest.TestCase):
    def test_compare_selected_runs(self):
        self.open(f"/experiments/{self.leads}", "GBT_v2")
        for name in ("GBT_v2", "GBT_v1", "RF_baseline"):
            self.tick(name)
        self.browser.wait_text("3 selected", ".runs-status")
        self.browser.click("a", "Compare")
        self.browser.wait_text("Comparing 3 runs", "h1")
        table = self.browser.text(".compare-table")
        self.assertIn("max_depth", table)
        self.assertNotIn("max_iter", table)  # is the same in all
        self.browser.click("label", "Only what differs")
        self.browser.wait_text("max_iter", ".compare-table")
        self.browser.wait("document.querySelector('.parallel canvas') && document.querySelector('.uplot canvas')")
        self.shot("compare")


class ModelPages(Pages, unittest.TestCase):
    def test_list_shows_stages_and_aliases(self):
        self.open("/models", "LeadScoring")
        row = next(row for row in self.rows() if row[0] == "LeadScoring")
        self.assertIn("Production", row[2])
        self.assertIn("@champion", row[3])
        self.shot("models")
        self.server.post("registered-models/create", name="Another one")
        self.open("/models", "Another one")
        self.browser.click(".vt-head button", "Model")
        self.browser.wait("document.querySelector('[aria-sort=ascending]')")
        names = [row[0] for row in self.rows()]
        self.assertEqual(names, sorted(names, key=str.lower))

    def test_promote(self):
        self.server.post("registered-models/create", name="Promoted")
        for _ in range(2):
            self.server.post(
                "model-versions/create",
                name="Promoted",
                run_id=self.best["run_id"],
                source=f"{self.best['artifact_uri']}/model",
            )
        self.open("/models/Promoted", "Version 2")
        self.browser.click("button", "Change the stage of version 1")
        self.fill_dialog()  # Production is offered
        self.browser.wait_text("Production", "tbody")
        self.browser.click("button", "Change the stage of version 2")
        self.fill_dialog()
        self.browser.wait_text("Archived", "tbody")  # version 1 made room
        self.browser.click("button", "Add an alias to version 2")
        self.fill_dialog(alias="best")
        self.browser.wait_text("@best", "tbody")
        model = self.server.call("GET", "registered-models/get?name=Promoted")["registered_model"]
        self.assertEqual(model["aliases"], [{"alias": "best", "version": "2"}])
        stages = {v["version"]: v["current_stage"] for v in model["latest_versions"]}
        self.assertEqual(stages, {"1": "Archived", "2": "Production"})

    def test_compare_versions(self):
        self.open("/models/LeadScoring", "Version 3")
        self.browser.click("input", "Select version 1")
        self.browser.click("input", "Select version 2")
        self.browser.click("a", "Compare 2 versions")
        self.browser.wait_text("Comparing 2 versions", "h1")
        text = self.browser.text(".compare-table")
        for expected in ("@champion", "Production", "auc", "max_depth", "x1"):
            self.assertIn(expected, text)
        self.shot("model-compare")

    def test_try_it(self):
        self.open("/models/LeadScoring", "Try it")
        self.browser.wait("document.querySelector('textarea').value.includes('x1')")
        self.browser.type("textarea", json.dumps({"dataframe_records": [{"cat": "a", "x1": 2.5}]}))
        self.browser.click("button", "Send")
        self.browser.wait_text("predictions", "pre")
        self.shot("model")

    def test_version(self):
        self.open("/models/LeadScoring/versions/2", "Version 2")
        self.browser.wait_text("LogisticRegressionModel")
        self.assertIn("@champion", self.browser.text("main"))
        self.shot("model-version")


class TracePages(Pages, unittest.TestCase):
    def test_list_filter_and_state(self):
        self.open(f"/experiments/{self.assistant}/traces", "12 traces")
        self.rows(12)
        self.shot("traces")
        self.browser.click("button", "Error")
        self.assertEqual([row[1] for row in self.rows(1)], ["answer"])
        self.browser.click("button", "All")
        self.browser.type(".filter input", "trace.text LIKE '%<b>3</b>%'")
        self.browser.keys(ENTER)
        self.rows(1)
        self.browser.click("button", "How to filter")
        self.browser.click(".filter-help button", "trace.name = 'answer'\nby name")
        self.browser.keys(ENTER)
        self.rows(12)
        self.browser.click(".vt-head button", "Took")
        self.browser.wait("document.querySelector('[aria-sort=descending] .vt-title').innerText.startsWith('Took')")
        self.browser.wait("location.hash.includes('order=trace.execution_time_ms+DESC')")

    def test_a_trace_shows_its_spans(self):
        self.open(f"/experiments/{self.assistant}/traces/{self.traces[7]}", "no such lead")
        names = self.browser.script("return [...document.querySelectorAll('.span-name .clip')].map((e) => e.innerText)")
        self.assertEqual(names, ["answer", "find leads", "embed", "write answer", "look up"])
        self.browser.click(".span-row .clip", "write answer")
        self.browser.wait_text("<b>7</b>", ".message")
        self.assertIn("llm.tokens", self.browser.text("main"))
        self.shot("trace")
        self.browser.keys(UP)
        self.browser.wait_text("[\n  0.1,", ".code")  # the embedding
        self.browser.click(".span-row [aria-label=Close]")
        self.browser.wait("document.querySelectorAll('.span-row').length === 1")

    def test_tags_and_assessments(self):
        self.open(f"/experiments/{self.assistant}/traces/{self.traces[1]}", "find leads")
        self.browser.click("button", "Add tag")
        self.fill_dialog(key="kind", value="<test>")
        self.browser.wait_text("<test>", ".tags")
        self.browser.click("button", "Add")
        self.fill_dialog(name="right", value="no", why="nobody asked")
        self.browser.wait_text("right: no", ".assessment")
        self.browser.wait_text("nobody asked", ".assessment")
        self.browser.click("button", "Delete assessment right")
        self.browser.wait_text("Nobody has assessed this trace.")

    def test_deleting(self):
        experiment, ids = seed.seed_traces(self.server, "Forgotten", 2)
        self.open(f"/experiments/{experiment}/traces", "2 traces")
        self.browser.click("input", "Select all")
        self.browser.click("button", "Delete")
        self.fill_dialog()
        self.browser.wait_text("No traces.")


class EnginePages(Pages, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = subprocess.Popen(
            [PYTHON, "-c", CLIENT],
            env=dict(os.environ, SPARK_REMOTE=cls.server.remote),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        cls.addClassCleanup(cls.end_client)
        assert cls.client.stdout.readline() == "ready\n"

    @classmethod
    def end_client(cls):
        cls.client.communicate("\n", timeout=60)

    def test_1_a_running_operation_is_seen_and_cancelled(self):
        self.open("/engine", "SELECT parity")
        self.browser.wait_text("1 running")
        self.shot("engine-operations")
        self.open("/engine/sessions", "numbers")
        self.shot("engine-sessions")
        self.open("/engine/storage", "Cached frames (1)")
        self.shot("engine-storage")
        self.open("/engine", "1 running")
        self.browser.click("button", "Cancel")
        self.fill_dialog()
        self.assertIn("Exception", self.client.stdout.readline())
        self.browser.wait("!document.body.innerText.includes('1 running')")

    def test_2_operations_on_a_line_of_time(self):
        self.open("/engine", "SELECT parity")
        self.browser.click(".vt-head button", "Time")
        self.browser.wait("document.querySelector('[aria-sort=descending]').innerText.startsWith('Time')")
        self.browser.click("button", "Timeline")
        self.browser.wait("document.querySelectorAll('.timeline-bar').length >= 4")
        self.shot("engine-timeline")
        self.browser.click(".timeline-bar.cancelled")
        self.browser.wait_text("cancelled", ".badge")
        self.browser.wait_text("memory at most", ".figures")

    def test_2_an_operation_tells_its_sql_and_plan(self):
        self.open("/engine", "SELECT parity")
        self.browser.click(".vt-row a", "collect sql")
        self.browser.wait_text("Plan", "h2")
        self.shot("engine-operation")

    def test_3_a_session_is_closed(self):
        self.open("/engine/sessions", "numbers")
        self.browser.click("button", "Close")
        self.fill_dialog()
        self.browser.wait_text("Nobody is connected.")

    def test_environment(self):
        self.open("/engine/environment", "MLflow 3.17.2")
        self.browser.wait_text("Busy cores", ".card h2")
        self.shot("engine-environment")


class Frame(Pages, unittest.TestCase):
    def test_theme_can_be_switched_and_stays(self):
        self.open("/experiments", "Lead scoring")
        ground = "return getComputedStyle(document.body).backgroundColor"
        light = self.browser.script(ground)
        self.browser.click("button", "Switch between light and dark")
        dark = self.browser.script(ground)
        self.assertNotEqual(light, dark)
        self.open("/experiments", "Lead scoring")
        self.assertEqual(self.browser.script(ground), dark)
        self.browser.script("localStorage.removeItem('theme')")

    def test_every_module_loads(self):
        self.open("/experiments", "Lead scoring")
        app = seed.ROOT / "src" / "web" / "app"
        modules = [str(path.relative_to(app)) for path in app.rglob("*.js") if path.name != "main.js"]
        failed = self.browser.script(
            """const base = document.querySelector('script[src]').src;
               return Promise.all(arguments[0].map((path) =>
                   import(new URL(path, base)).then(() => null, (error) => `${path}: ${error.message}`)))
                   .then((list) => list.filter(Boolean))""",
            modules,
        )
        self.assertEqual(failed, [])

    def test_unknown_pages_say_so(self):
        self.open("/nowhere", "There is no such page")

    def test_what_is_not_there_is_told(self):
        self.expected_errors = ("404",)
        self.open(f"/experiments/{self.leads}/runs/{'0' * 32}", "not found")

    def test_files_are_small_kept_and_guarded(self):
        status, headers, page = self.server.request("GET", "/", headers={"Accept-Encoding": "gzip"})
        self.assertEqual((status, headers["Content-Encoding"], headers["Cache-Control"]), (200, "gzip", "no-cache"))
        self.assertIn("default-src 'self'", headers["Content-Security-Policy"])
        again, _, body = self.server.request("GET", "/", headers={"If-None-Match": headers["ETag"]})
        self.assertEqual((again, body), (304, b""))
        plain = self.server.request("GET", "/")
        self.assertNotIn("Content-Encoding", plain[1])
        self.assertIn(b"<!doctype html>", plain[2])
        script = plain[2].decode().split('src="')[1].split('"')[0]
        status, headers, _ = self.server.request("GET", f"/{script}")
        self.assertEqual((status, headers["Cache-Control"]), (200, "public, max-age=31536000, immutable"))
        self.assertEqual(self.server.request("GET", "/static-files/x/../../etc/passwd")[0], 404)

    def test_first_load_is_light(self):
        """Bytes over the wire until the first rows are there, and when they are: printed; bytes are bounded."""
        self.browser.devtools("Network.enable", {})
        self.browser.devtools("Network.clearBrowserCache", {})
        self.open(f"/experiments/{self.sweep}", f"{RUNS:,} runs")
        self.browser.wait("performance.getEntriesByName('first-row').length")
        size, requests, first = self.browser.script(
            """const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
               return [all.reduce((sum, e) => sum + e.transferSize, 0), all.length,
                       performance.getEntriesByName('first-row')[0].startTime]"""
        )
        print(f"{RUNS} runs: first row after {first:.0f} ms, {requests} requests, {size} bytes", file=sys.stderr)
        self.assertLess(size, 300_000)


class UnreachableServer(Pages, unittest.TestCase):
    expected_errors = ("ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET", "ERR_CONNECTION_CLOSED")

    def test_a_page_says_that_it_may_be_old(self):
        self.server = seed.Server(CHERT)
        self.addCleanup(self.server.stop)
        self.open("/engine/sessions", "Nobody is connected.")
        self.server.process.terminate()
        self.browser.wait_text("The server cannot be reached.", ".unreachable")
        self.browser.wait_text("Nobody is connected.")


class GuardedPages(Pages, unittest.TestCase):
    """A server that asks who it is: the browser's own question, then the pages work as without."""

    expected_errors = ("401",)

    def setUp(self):
        super().setUp()
        self.server = seed.Server(CHERT, "--auth", "store", MLFLOW_AUTH_ADMIN_PASSWORD="correct horse battery")
        self.addCleanup(self.server.stop)

    def test_nothing_without_a_password(self):
        status, headers, _ = self.server.request("GET", "/")
        self.assertEqual((status, headers["WWW-Authenticate"]), (401, 'Basic realm="mlflow"'))

    def test_everything_with_it(self):
        host = self.server.url.split("//")[1]
        self.browser.open("about:blank")
        self.browser.open(f"http://admin:{quote('correct horse battery')}@{host}/#/experiments")
        self.browser.wait_text("Default", ".vt-body")
        self.browser.click("button", "New experiment")
        self.fill_dialog(name="Behind the guard")
        self.browser.wait_text("Behind the guard", "h1")
        self.users()
        self.permissions()

    def users(self):
        self.browser.click("a", "admin")
        self.browser.wait_text("administrator")
        self.browser.click("button", "New user")
        self.fill_dialog(username="berta", password="a password of hers")
        self.browser.wait_text("berta", "tbody")
        self.browser.click("button", "Make an administrator of berta")
        self.browser.click("button", "Make an ordinary user of berta")
        self.browser.find("button", "Make an administrator of berta")
        self.browser.click("button", "Reset the password of berta")
        self.browser.type("dialog [name=password]", "another one of hers")
        self.fill_dialog(again="another one of hers")
        self.browser.click("button", "New token")
        self.fill_dialog(name="notebook")
        token = self.browser.wait("document.querySelector('.token').innerText")
        headers = {"Authorization": f"Bearer {token}"}
        self.assertEqual(self.server.request("GET", "/api/chert/v1/me", headers=headers)[0], 200)
        self.shot("users")
        self.browser.click("button", "Delete token notebook")
        self.fill_dialog()
        self.browser.wait("![...document.querySelectorAll('td')].some((e) => e.innerText === 'notebook')")
        self.assertEqual(self.server.request("GET", "/api/chert/v1/me", headers=headers)[0], 401)

    def permissions(self):
        """What berta may do to an experiment and a model, as the pages say and as the server sees it."""
        berta = {"Authorization": "Basic " + base64.b64encode(b"berta:another one of hers").decode()}

        def may(kind, thing):
            address = f"/api/chert/v1/permissions?resource_type={kind}&resource_id={thing}"
            return json.loads(self.server.request("GET", address, headers=berta)[2])["mine"]

        self.assertEqual(may("experiment", "1"), "READ")
        seen = self.server.request("GET", "/api/chert/v1/permissions?resource_type=experiment&resource_id=1", None, berta)
        self.assertEqual([person["username"] for person in json.loads(seen[2])["people"]], ["berta"])
        self.browser.click("a", "Experiments")
        self.browser.click("a", "Behind the guard")
        self.browser.click("a", "Access")
        self.browser.choose("[aria-label='Permission of berta']", "EDIT")
        self.browser.wait_text("berta may edit")
        self.assertEqual(may("experiment", "1"), "EDIT")
        self.shot("experiment-access")
        self.browser.choose("[aria-label='Permission of berta']", "")
        self.browser.wait_text("berta is as all others")
        self.assertEqual(may("experiment", "1"), "READ")
        self.browser.click("a", "Models")
        self.browser.click("button", "New model")
        self.fill_dialog(name="Guarded")
        self.browser.choose("[aria-label='Permission of berta']", "MANAGE")
        self.browser.wait_text("berta may manage")
        self.assertEqual(may("registered_model", "Guarded"), "MANAGE")


if __name__ == "__main__":
    lacking = browser.missing()
    if lacking:
        print(f"skipped: there is no {lacking} here")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
