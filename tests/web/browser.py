"""A headless Chromium over the W3C WebDriver protocol, with nothing but the standard library."""

import base64
import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --force-color-profile=srgb"
).split()
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def missing():
    """What a machine lacks to run a browser; None when it has all."""
    for names in (("chromium", "chromium-browser", "google-chrome"), ("chromedriver",)):
        if not any(map(shutil.which, names)):
            return names[0]
    return None


# What WebDriver says of an element that was drawn anew, or that something covers for a moment.
PASSING = ("stale element", "no such element", "element click intercepted", "element not interactable", "detached")
PATIENCE = 90  # seconds, for machines that do much else


class WebDriverError(Exception):
    pass


class Browser:
    def __enter__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.profile = tempfile.mkdtemp(prefix="chert-web-")
        self.driver = subprocess.Popen(
            ["chromedriver", f"--port={self.port}", "--silent"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.session = None
        self.wait_for_driver()
        binary = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
        options = {"binary": binary, "args": [*FLAGS, f"--user-data-dir={self.profile}"]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        reply = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = reply["sessionId"]
        self.size(1440, 900)
        return self

    def __exit__(self, *_):
        try:
            if self.session:
                self.call("DELETE", f"/session/{self.session}")
        finally:
            self.driver.terminate()
            self.driver.wait()
            shutil.rmtree(self.profile, ignore_errors=True)

    def wait_for_driver(self):
        deadline = time.monotonic() + 60
        while True:
            try:
                self.call("GET", "/status")
                return
            except OSError:
                if time.monotonic() > deadline or self.driver.poll() is not None:
                    raise
                time.sleep(0.05)

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=180)
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {"Content-Type": "application/json"})
        value = json.loads(connection.getresponse().read())["value"]
        connection.close()
        if isinstance(value, dict) and "error" in value:
            raise WebDriverError(f"{value['error']}: {value['message'].splitlines()[0]}")
        return value

    def act(self, method, path, body=None):
        return self.call(method, f"/session/{self.session}{path}", body)

    # ---- what tests use

    def size(self, width, height, phone=False):
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone},
        )

    def theme(self, name):
        feature = {"name": "prefers-color-scheme", "value": name}
        self.devtools("Emulation.setEmulatedMedia", {"features": [feature]})

    def devtools(self, command, params):
        return self.act("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def open(self, url):
        self.act("POST", "/url", {"url": url})

    def script(self, text, *args):
        """Runs the body of a function in the page; its result comes back as JSON."""
        return self.act("POST", "/execute/sync", {"script": text, "args": list(args)})

    def retry(self, action, told):
        """What `action` gives, as soon as it gives something and no element is in flux."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                value = action()
                if value:
                    return value
            except WebDriverError as e:
                if not any(word in str(e) for word in PASSING):
                    raise
            if time.monotonic() > deadline:
                raise AssertionError(f"never came true: {told}; the page says: {self.text()[:600]}")
            time.sleep(0.05)

    def wait(self, condition, *args):
        """Until a JavaScript expression is truthy; its value. `arguments[i]` are the args."""
        # While a page is drawn anew, elements that the condition looks into may not be there.
        text = f"try {{ return ({condition}); }} catch (e) {{ if (e instanceof TypeError) return false; throw e; }}"
        return self.retry(lambda: self.script(text, *args), f"{condition} {args}")

    def text(self, selector="body"):
        return self.script("return document.querySelector(arguments[0])?.innerText ?? '';", selector)

    def wait_value(self, selector, value):
        """Until a control holds that value."""
        self.wait("document.querySelector(arguments[0]).value === arguments[1]", selector, value)

    def wait_text(self, text, selector="body"):
        inside = "[...document.querySelectorAll(arguments[0])].some((e) => e.innerText.includes(arguments[1]))"
        self.wait(inside, selector, text)

    def find(self, selector, text=None):
        """The first visible element that matches and, if asked, whose text or label is `text`."""
        found = self.wait(
            """[...document.querySelectorAll(arguments[0])].find((e) => e.getClientRects().length &&
               (arguments[1] === null || e.innerText.trim() === arguments[1] ||
                e.getAttribute('aria-label') === arguments[1]))""",
            selector,
            text,
        )
        return found[ELEMENT]

    def on_element(self, selector, text, action):
        """Does something to an element, to another one if that has been replaced meanwhile."""

        def once():
            action(self.find(selector, text))
            return True

        self.retry(once, f"an action on {selector} {text}")

    def click(self, selector, text=None):
        def press(element):
            self.script("arguments[0].scrollIntoView({block: 'nearest'})", {ELEMENT: element})
            self.act("POST", f"/element/{element}/click", {})

        self.on_element(selector, text, press)

    def type(self, selector, text):
        """Puts text into a control in the place of what it holds."""

        def write(element):
            self.act("POST", f"/element/{element}/clear", {})
            self.act("POST", f"/element/{element}/value", {"text": text})

        self.on_element(selector, None, write)

    def choose(self, selector, value):
        """Another option of a select."""
        there = "[...document.querySelector(arguments[0]).options].some((o) => o.value === arguments[1])"
        self.wait(there, selector, value)
        self.script(
            """const select = document.querySelector(arguments[0]);
               select.value = arguments[1];
               select.dispatchEvent(new Event('change', {bubbles: true}))""",
            selector,
            value,
        )

    def keys(self, *keys):
        """Presses keys, one after the other, wherever the focus is; names as in WebDriver ("\\ue007" is Enter)."""
        presses = [a for key in keys for a in ({"type": "keyDown", "value": key}, {"type": "keyUp", "value": key})]
        self.act("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": presses}]})

    def drag(self, selector, dx):
        """Drags an element sidewards."""

        def move(element):
            steps = [
                {"type": "pointerMove", "duration": 0, "origin": {ELEMENT: element}, "x": 0, "y": 0},
                {"type": "pointerDown", "button": 0},
                {"type": "pointerMove", "duration": 0, "origin": "pointer", "x": dx, "y": 0},
                {"type": "pointerUp", "button": 0},
            ]
            mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps}
            self.act("POST", "/actions", {"actions": [mouse]})

        self.on_element(selector, None, move)

    def errors(self):
        """What the page complained of on its console since the last call."""
        entries = self.act("POST", "/se/log", {"type": "browser"})
        return [e["message"] for e in entries if e["level"] == "SEVERE"]

    def screenshot(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(base64.b64decode(self.act("GET", "/screenshot")))
