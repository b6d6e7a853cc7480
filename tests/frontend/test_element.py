"""`<gridkit-grid>` in a real Chromium, on the running example project: what a person sees and does.

What the element's parts promise is tested without a browser in `gridkit_django/frontend/tests/`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, Response, Route, expect

from tests.routes.world import FLIGHTS, PASSWORD, furnish, swift
from tests.servers.http import Client
from tests.servers.processes import wait_until
from tests.servers.stack import Stack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("stack", ["sqlite"], indirect=True, scope="module"),
]

Cookies = list[Any]
API = "/gridkit/api/grids/flights/"


class GridPage:
    """The page of the flights, opened by one user.

    Args:
        page: a fresh browser page.
        stack: the running project.
        cookies: the session of who looks at it.
        remembers: whether the state is read and kept on the server; else each visit is the first.
    """

    def __init__(self, page: Page, stack: Stack, cookies: Cookies, *, remembers: bool = False) -> None:
        self.page = page
        self.asked: list[dict[str, Any]] = []
        page.context.add_cookies(cookies)
        page.on("request", self._note)
        if not remembers:
            page.route(f"**{API}state/", lambda route: route.fulfill(json={"state": None}))
        page.goto(f"{stack.url()}/gridkit/grids/flights/")
        self.settle()

    def _note(self, request: Request) -> None:
        if request.url.endswith(f"{API}rows/"):
            self.asked.append(json.loads(request.post_data or "{}"))

    def settle(self) -> None:
        """Wait until every row in view is here."""
        expect(self.page.locator(".gridkit-text").first).to_be_visible()
        expect(self.page.locator(".gridkit-busy, .is-waiting")).to_have_count(0)

    def header(self, column: str) -> Locator:
        return self.page.locator(f'[data-header="{column}"]')

    def cell(self, row: int, column: str) -> Locator:
        col = self.header(column).get_attribute("data-col")
        return self.page.locator(f'[data-row="{row}"][data-col="{col}"]')

    def sort(self, column: str, *, add: bool = False) -> None:
        self.header(column).locator(".gridkit-header-label").click(modifiers=["Shift"] if add else [])

    def filter(self, column: str, condition: str, value: str) -> None:
        self.header(column).hover()
        self.header(column).locator(".gridkit-filter-button").click()
        form = self.page.locator('[data-popover="filter"]')
        form.get_by_role("button", name="Condition").or_(form.get_by_role("combobox")).first.click()
        form.locator("select").select_option(condition)
        form.locator("input").first.fill(value)
        self.page.keyboard.press("Enter")
        expect(form).to_be_hidden()

    def edit(self, row: int, column: str, text: str) -> None:
        self.cell(row, column).dblclick()
        self.page.locator(".gridkit-editor").fill(text)
        self.page.keyboard.press("Enter")

    @property
    def count(self) -> Locator:
        return self.page.locator(".gridkit-count")


@pytest.fixture
def world(stack: Stack) -> Stack:
    return furnish(stack)


@pytest.fixture(scope="module")
def sessions(stack: Stack, browser: Browser) -> dict[str, Cookies]:
    """The cookies of each user, signed in once through the login page."""
    return {user: _sign_in(furnish(stack), browser, user) for user in ("editor", "analyst")}


def _sign_in(stack: Stack, browser: Browser, user: str) -> Cookies:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{stack.url()}/gridkit/")
        page.fill("input[name=username]", user)
        page.fill("input[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Grids")).to_be_visible()
        return [{"name": item["name"], "value": item["value"], "url": stack.url()} for item in context.cookies()]


@pytest.fixture
def grid(page: Page, world: Stack, sessions: dict[str, Cookies]) -> GridPage:
    return GridPage(page, world, sessions["editor"])


def _flight(client: Client, flight: int) -> dict[str, Any]:
    query = {"columns": ["dep_delay"], "filter": {"col": "flight", "op": "eq", "value": flight}}
    row: dict[str, Any] = client.post(f"{API}rows/", query).json()["rows"][0]
    return row


def test_plain_table_without_scripts_holds_the_first_page_and_links(
    browser: Browser, world: Stack, sessions: dict[str, Cookies]
) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        context.add_cookies(sessions["editor"])
        page = context.new_page()
        page.goto(f"{world.url()}/gridkit/grids/flights/")
        expect(page.locator("gridkit-grid > table tbody tr")).to_have_count(100)
        expect(page.get_by_role("link", name="Next page")).to_be_visible()


def test_element_takes_the_plain_table_over_and_counts(grid: GridPage) -> None:
    expect(grid.page.locator("gridkit-grid > table")).to_have_count(0)
    expect(grid.count).to_have_text(f"{FLIGHTS} rows")
    expect(grid.page.get_by_role("grid", name="Flights")).to_have_attribute("aria-rowcount", str(FLIGHTS + 1))


def test_sort_by_two_headers_orders_the_rows_and_says_so(grid: GridPage) -> None:
    grid.sort("carrier")
    grid.sort("flight", add=True)
    grid.sort("flight", add=True)
    grid.settle()

    expect(grid.header("carrier")).to_have_attribute("aria-sort", "ascending")
    expect(grid.header("flight")).to_have_attribute("aria-sort", "descending")
    expect(grid.cell(0, "flight")).to_have_text(str(100 + FLIGHTS - 1))
    assert grid.asked[-1]["sort"] == [{"col": "carrier", "dir": "asc"}, {"col": "flight", "dir": "desc"}]


def test_filter_narrows_the_rows_and_its_chip_removes_it(grid: GridPage) -> None:
    grid.filter("carrier", "eq", "AA")
    expect(grid.count).to_have_text(f"{FLIGHTS // 2} rows")

    grid.page.get_by_role("button", name="Remove filter on Carrier").click()
    expect(grid.count).to_have_text(f"{FLIGHTS} rows")


def test_search_without_a_match_offers_the_way_back(grid: GridPage) -> None:
    grid.page.get_by_role("searchbox").fill("no such flight")
    expect(grid.page.locator(".gridkit-empty")).to_contain_text("No row matches the search and the filters.")

    grid.page.get_by_role("button", name="Clear search and filters").click()
    expect(grid.count).to_have_text(f"{FLIGHTS} rows")


def test_scrolling_to_the_end_fetches_windows_of_at_most_a_hundred_rows(grid: GridPage) -> None:
    grid.page.locator(".gridkit-viewport").evaluate("element => { element.scrollTop = element.scrollHeight }")

    expect(grid.page.locator(f'[data-row="{FLIGHTS - 1}"][data-col="1"] .gridkit-text')).to_be_visible()
    assert all(window.get("end", 0) - window.get("start", 0) <= 100 for window in _windows(grid))
    assert all(window.get("size", 0) <= 100 for window in _windows(grid))


def _windows(grid: GridPage) -> list[dict[str, Any]]:
    return [asked["window"] for asked in grid.asked]


def test_edit_is_saved_and_the_focus_goes_to_the_next_row(grid: GridPage, world: Stack) -> None:
    grid.filter("flight", "lt", "103")
    grid.sort("flight")
    grid.settle()
    grid.edit(0, "dep_delay", "41")

    expect(grid.cell(0, "dep_delay")).to_have_text("41")
    expect(grid.cell(1, "dep_delay")).to_be_focused()
    assert world.rows("SELECT dep_delay FROM flights_flight WHERE flight = 100") == [(41,)]


def test_edit_of_a_row_that_somebody_changed_shows_both_values_and_lets_choose(grid: GridPage, world: Stack) -> None:
    grid.filter("flight", "eq", "110")
    grid.settle()
    other = swift(world, "admin")
    row = _flight(other, 110)
    other.patch(f"{API}records/{row['id']}/", {"changes": {"dep_delay": 7}}, version=row["v"])
    grid.edit(0, "dep_delay", "8")

    note = grid.page.get_by_role("alert")
    expect(note).to_contain_text("Somebody else changed this row")
    expect(note.locator("dd")).to_have_text(["7", "8"])
    note.get_by_role("button", name="Use mine").click()
    expect(grid.cell(0, "dep_delay")).to_have_text("8")
    assert world.rows("SELECT dep_delay FROM flights_flight WHERE flight = 110") == [(8,)]


def test_edit_that_is_refused_keeps_the_draft(grid: GridPage) -> None:
    grid.edit(0, "dep_delay", "soon")

    expect(grid.page.get_by_role("alert")).to_contain_text("Enter a whole number.")
    expect(grid.page.locator(".gridkit-editor")).to_have_value("soon")
    grid.page.keyboard.press("Escape")
    expect(grid.page.locator(".gridkit-editor")).to_have_count(0)


def test_failed_request_keeps_the_rows_and_can_be_tried_again(grid: GridPage) -> None:
    def refuse(route: Route) -> None:
        problem = {"title": "The database is busy", "detail": "Try again in a minute.", "requestId": "r-1"}
        route.fulfill(status=503, content_type="application/problem+json", body=json.dumps(problem))

    grid.page.route("**/rows/", refuse)
    grid.sort("carrier")
    alert = grid.page.get_by_role("alert")
    expect(alert).to_contain_text("The database is busy")
    expect(alert).to_contain_text("r-1")
    expect(grid.page.locator(".gridkit-body .gridkit-text").first).to_be_visible()

    grid.page.unroute("**/rows/")
    alert.get_by_role("button", name="Try again").click()
    expect(alert).to_have_count(0)
    grid.settle()
    expect(grid.cell(0, "carrier")).to_have_text("AA")


def test_keyboard_reaches_every_cell_and_selects_rows(grid: GridPage) -> None:
    grid.header("time_hour").focus()
    grid.page.keyboard.press("ArrowDown")
    expect(grid.cell(0, "time_hour")).to_be_focused()
    grid.page.keyboard.press("Space")
    expect(grid.page.locator('[role="row"][aria-selected="true"]')).to_have_count(1)
    grid.page.keyboard.press("Control+End")
    expect(grid.page.locator(f'[data-row="{FLIGHTS - 1}"]:focus')).to_have_count(1)
    expect(grid.page.locator('[role="grid"] [tabindex="0"]')).to_have_count(1)


def test_columns_menu_shows_hides_and_moves_columns(grid: GridPage) -> None:
    grid.page.get_by_role("button", name="Columns").click()
    menu = grid.page.get_by_role("dialog", name="Show and arrange columns")
    menu.get_by_role("checkbox", name="Airline").uncheck()
    expect(grid.header("airline")).to_have_count(0)
    menu.get_by_role("button", name="Move Carrier earlier").click()
    expect(grid.header("carrier")).to_have_attribute("data-col", "1")
    menu.get_by_role("button", name="Reset").click()
    expect(grid.header("airline")).to_have_count(1)


def test_export_of_the_filtered_rows_runs_and_downloads(grid: GridPage, world: Stack, tmp_path: Path) -> None:
    world.worker()
    grid.filter("carrier", "eq", "UA")
    expect(grid.count).to_have_text(f"{FLIGHTS // 2} rows")
    grid.page.get_by_role("button", name="Export").click()
    grid.page.get_by_label("Format").select_option("csv")
    grid.page.get_by_role("button", name="Start the export").click()
    expect(grid.page.locator(".gridkit-job")).to_contain_text("Ready", timeout=30_000)
    with grid.page.expect_download() as download:
        grid.page.get_by_role("link", name="Download").click()

    download.value.save_as(tmp_path / "flights.csv")
    lines = (tmp_path / "flights.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == FLIGHTS // 2 + 1


def test_analyst_sees_no_hidden_column_and_no_editor(page: Page, world: Stack, sessions: dict[str, Cookies]) -> None:
    grid = GridPage(page, world, sessions["analyst"])
    grid.cell(0, "dep_delay").dblclick()

    expect(grid.header("tailnum")).to_have_count(0)
    expect(page.locator(".gridkit-editor")).to_have_count(0)


def test_element_runs_under_a_strict_content_security_policy(
    page: Page, world: Stack, sessions: dict[str, Cookies]
) -> None:
    def strict(route: Route) -> None:
        answer = route.fetch()
        policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'"
        trusted = "require-trusted-types-for 'script'; trusted-types lit-html"
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": f"{policy}; {trusted}"})

    broken: list[str] = []
    page.on("console", lambda message: broken.append(message.text) if "Policy" in message.text else None)
    page.route("**/gridkit/grids/flights/", strict)
    grid = GridPage(page, world, sessions["editor"])
    grid.filter("carrier", "eq", "AA")
    expect(grid.count).to_have_text(f"{FLIGHTS // 2} rows")

    assert broken == []


def _looks(grid: GridPage) -> dict[str, Any]:
    """What a person sees of the state: columns in their order, widths, sort marks, chips, rows."""
    headers = grid.page.locator("[data-header]")
    return {
        "columns": headers.evaluate_all("found => found.map(item => item.dataset.header)"),
        "sort": headers.evaluate_all("found => found.map(item => item.getAttribute('aria-sort'))"),
        "width": round((grid.header("carrier").bounding_box() or {"width": 0})["width"]),
        "count": grid.count.inner_text(),
        "first": grid.page.locator('[data-row="0"]').all_inner_texts(),
    }


def test_grid_opens_as_it_was_left(page: Page, world: Stack, sessions: dict[str, Cookies]) -> None:
    # What the page of another test left in its last moment counts for nothing here.
    swift(world, "editor").send("PUT", f"{API}state/", {"state": {"v": 1}})
    grid = GridPage(page, world, sessions["editor"], remembers=True)
    fresh = _looks(grid)
    with page.expect_response(lambda answer: answer.request.method == "PUT" and answer.url.endswith("state/")) as kept:
        grid.sort("flight")
        grid.filter("carrier", "eq", "UA")
        expect(grid.count).to_have_text(f"{FLIGHTS // 2} rows")
        page.get_by_role("button", name="Columns").click()
        menu = page.get_by_role("dialog", name="Show and arrange columns")
        menu.get_by_role("checkbox", name="Airline").uncheck()
        menu.get_by_role("button", name="Move Carrier earlier").click()
        page.keyboard.press("Escape")
        grid.header("carrier").focus()
        page.keyboard.press("Shift+ArrowRight")
    assert kept.value.status == 200
    grid.settle()
    left = _looks(grid)
    assert left != fresh

    page.reload()
    grid.settle()
    expect(grid.count).to_have_text(f"{FLIGHTS // 2} rows")
    assert _looks(grid) == left
    expect(page.locator(".gridkit-chip")).to_have_count(1)


def test_what_changes_right_before_leaving_is_kept_too(page: Page, world: Stack, sessions: dict[str, Cookies]) -> None:
    grid = GridPage(page, world, sessions["analyst"], remembers=True)
    grid.sort("flight")
    page.goto("about:blank")
    client = swift(world, "analyst")

    def sort_on_the_server() -> Any:
        state = client.get(f"{API}state/").json()["state"]
        return state and state["query"].get("sort")

    wait_until(lambda: sort_on_the_server() == [{"col": "flight", "dir": "asc"}], "the state is on the server")


def test_interactions_are_reported_and_accepted(grid: GridPage) -> None:
    answers: list[Response] = []
    grid.page.on("response", lambda answer: answers.append(answer) if answer.url.endswith("events/") else None)
    grid.sort("flight")
    grid.filter("carrier", "eq", "UA")
    expect(grid.count).to_have_text(f"{FLIGHTS // 2} rows")
    grid.cell(0, "carrier").click()
    grid.page.keyboard.press("Space")
    grid.page.get_by_role("button", name="Columns").click()
    menu = grid.page.get_by_role("dialog", name="Show and arrange columns")
    with grid.page.expect_response(lambda answer: "column:move" in (answer.request.post_data or "")):
        menu.get_by_role("checkbox", name="Airline").uncheck()
        menu.get_by_role("button", name="Move Carrier earlier").click()

    said = [event["type"] for answer in answers for event in json.loads(answer.request.post_data or "{}")["events"]]
    assert {"sort:change", "filter:apply", "row:select", "column:hide", "column:move"} <= set(said)
    verdicts = [verdict for answer in answers for verdict in answer.json()["results"]]
    assert [verdict for verdict in verdicts if not verdict["accepted"]] == []
    assert len(verdicts) == len(said)
