"""Who may ask the server, and how often."""

import pytest

from lecture_utils.listening_test.vote.guard import Limit, own_host, same_site


def limit(rate, burst):
    now = [0.0]
    made = Limit(rate, burst, lambda: now[0])
    return made, now


def test_a_burst_and_then_a_rate():
    made, now = limit(2, 5)
    assert [made.allows("a") for _ in range(6)] == [True] * 5 + [False]
    assert made.allows("b")  # others are not slowed down
    now[0] = 0.4
    assert not made.allows("a")
    now[0] = 1.0  # what was refused costs nothing
    assert [made.allows("a") for _ in range(3)] == [True, True, False]
    now[0] = 100
    assert [made.allows("a") for _ in range(6)] == [True] * 5 + [False]


def test_many_sources_do_not_fill_the_memory():
    made, now = limit(1, 10)
    made.MOST = 100
    assert all(made.allows(str(n)) for n in range(100))
    assert not made.allows("one more")
    now[0] = 5
    assert not made.allows("one more")  # those before are not at rest yet
    now[0] = 11
    assert made.allows("one more") and len(made._left) == 1


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("127.0.0.1:8800", True),
        ("192.168.1.7:8800", True),
        ("192.168.1.7", True),
        ("[::1]:8800", True),
        ("LOCALHOST:8800", True),
        ("laptop.local:8800", True),
        ("evil.example:8800", False),
        ("evil.example", False),
        ("127.0.0.1.evil.example:8800", False),
        ("localhost.evil.example", False),
        ("", False),
    ],
)
def test_only_own_names(host, is_own):
    assert own_host(host, {"localhost", "laptop.local"}) is is_own


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({}, True),
        ({"Origin": "http://1.2.3.4:8800", "Sec-Fetch-Site": "same-origin"}, True),
        ({"X-Vote": None}, False),
        ({"Origin": "http://1.2.3.4:8888"}, False),  # JupyterLab on the same machine
        ({"Origin": "null"}, False),
        ({"Origin": "https://1.2.3.4:8800"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
    ],
)
def test_only_own_pages(changes, is_same):
    headers = {k: v for k, v in ({"X-Vote": "1"} | changes).items() if v is not None}
    assert same_site(headers, "1.2.3.4:8800") is is_same
