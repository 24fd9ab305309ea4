"""The studio in Chromium: what a visitor does on its pages, at two widths."""

import base64
import dataclasses
import shlex
import shutil
import threading
from pathlib import Path

import pytest

from data_prep.records.format import open_set
from deepusps_tf.commands.train import train_run
from deepusps_tf.serving.predict import predict_photos
from deepusps_tf.studio.server import make_server
from tests.deepusps_tf.studio.conftest import photo_file

WIDTHS = {1280: 900, 390: 844}
# What a browser makes of a file that is dragged in from a folder.
DROP = """
const [name, content] = arguments;
const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
const dragged = new DataTransfer();
dragged.items.add(new File([bytes], name));
document.getElementById("drop").dispatchEvent(
  new DragEvent("drop", { dataTransfer: dragged, bubbles: true, cancelable: true }));
"""
WAIT = 60  # seconds, on a machine that has much to do

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def address(studio):
    """Serves the pages of `studio` to this machine."""
    server = make_server(studio.application, 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    server.task_dispatcher.shutdown()


@pytest.fixture
def browser(tmp_path):
    """Chromium without a window, which keeps what it downloads in `downloads`."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (program and driver):
        pytest.skip("Chromium and its driver are not installed (chromium, chromium-driver)")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    folder = {"download.default_directory": str(tmp_path / "downloads")}
    options.add_experimental_option("prefs", folder)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield made
    made.quit()


def until(browser, found):
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, WAIT).until(lambda _: found())


def show_at(browser, width: int) -> None:
    size = {"width": width, "height": WIDTHS[width], "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def drop(browser, name: str, content: bytes) -> None:
    browser.execute_script(DROP, name, base64.b64encode(content).decode())


def loaded(browser, css: str) -> bool:
    """Whether all pictures of a kind are there, and shown."""
    found = "[...document.querySelectorAll(arguments[0])]"
    script = f"return {found}.every((picture) => picture.complete && picture.naturalWidth)"
    return browser.execute_script(script, css)


def check_layout(browser) -> None:
    """Nothing is wider than the page, and the browser has nothing to complain of."""
    script = "return [document.documentElement.scrollWidth, window.innerWidth]"
    wide, width = browser.execute_script(script)
    assert wide <= width
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("width", WIDTHS)
def test_a_photo_is_dropped_and_its_mask_downloaded(browser, address, width, model, tmp_path):
    photo, expected = tmp_path / "my photo.jpg", tmp_path / "expected.png"
    photo.write_bytes(photo_file("JPEG"))
    predict_photos(model=model, images=photo, output=expected, kind="mask", pool=None)
    show_at(browser, width)
    browser.get(address)
    check_layout(browser)
    drop(browser, photo.name, photo.read_bytes())
    until(browser, lambda: browser.find_element("id", "result").is_displayed())
    until(browser, lambda: loaded(browser, "#result img"))
    assert "96 x 80 pixels" in browser.find_element("id", "figures").text
    check_layout(browser)
    browser.find_element("id", "mask-file").click()
    downloaded = tmp_path / "downloads/my photo-mask.png"
    until(browser, downloaded.is_file)
    assert downloaded.read_bytes() == expected.read_bytes()
    drop(browser, "notes.txt", b"no photo")
    state = browser.find_element("id", "state")
    until(browser, lambda: "notes.txt: is no picture" in state.text)
    assert not browser.find_element("id", "result").is_displayed()


def test_a_photo_that_is_left_out_is_gone_from_the_next_training(
    browser, address, run, gallery, tiny_network
):
    place = gallery.view().order[2]
    for width in WIDTHS:
        show_at(browser, width)
        browser.get(f"{address}/labels/{place}")
        until(browser, lambda: loaded(browser, "main img"))
        check_layout(browser)
        browser.get(f"{address}/labels")
        check_layout(browser)
    button = browser.find_element("css selector", f"#p{place} .toggle")
    button.click()
    until(browser, lambda: button.get_attribute("aria-pressed") == "true")
    assert "1 photo left out" in browser.find_element("id", "summary").text
    command = browser.find_element("id", "command").text
    words = shlex.split(command.replace("\\\n", " "))
    flags = dict(each.removeprefix("--").split("=") for each in words[2:])
    assert flags.pop("flagfile") == f"{run.workdir}/config.flags"
    done = train_run(dataclasses.replace(run, **flags))
    ids = open_set(f"{flags['workdir']}/chosen/train/images").ids
    assert ids == tuple(each for each in gallery.ids if each != gallery.ids[place])
    labels = open_set(f"{flags['workdir']}/rbd/round2/labels").ids
    assert labels == ids
    told = f"Left out of the training photos (1): {gallery.ids[place]}."
    assert told in done.report.read_text(encoding="utf-8")
    browser.get(f"{address}/run")
    check_layout(browser)
    assert Path(flags["workdir"]).name == "run-2"
