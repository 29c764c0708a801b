import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.errors import Rejected
from rtp.signals.mending import edited, line_of, parse_edit, read_lines
from rtp.signals.rejection import Rejection


def rejection(body: bytes) -> Rejection:
    return Rejection(reason="NOT_JSON", message="No.", body=body)


@pytest.mark.parametrize(
    ("edit", "result"),
    [
        ("userId=u7", {"userId": "u7", "properties": {"products": [{"price": 1}]}}),
        ("properties.order_id=42", {"properties": {"products": [{"price": 1}], "order_id": 42}}),
        ('properties.order_id="42"', {"properties": {"products": [{"price": 1}], "order_id": "42"}}),
        ("properties.products.0.price=2.5", {"properties": {"products": [{"price": 2.5}]}}),
        ("context.page.url=a=b", {"properties": {"products": [{"price": 1}]}, "context": {"page": {"url": "a=b"}}}),
        ("properties=null", {"properties": None}),
    ],
)  # fmt: skip
def test_one_value_is_set_by_its_path(edit: str, result: object) -> None:
    body = b'{"properties": {"products": [{"price": 1}]}}'
    assert msgspec.json.decode(edited(body, [parse_edit(edit)])) == result


def test_a_body_that_is_not_edited_stays_as_it_came() -> None:
    assert edited(b" {1", []) == b" {1"


@pytest.mark.parametrize("edit", ["a", "=1", "a..b=1", "products.1=2", "products.x=2", "name.first=2"])
def test_an_edit_that_cannot_be_made_is_refused(edit: str) -> None:
    with pytest.raises(Rejected):
        edited(b'{"products": [1], "name": "x"}', [parse_edit(edit)])


def test_what_is_no_json_has_no_values_to_set() -> None:
    with pytest.raises(Rejected, match="no JSON"):
        edited(b"{", [parse_edit("a=1")])


@given(st.binary(max_size=40) | st.sampled_from([b'"text"', b'{"a": "\xc3\xa9"}', b"[1]", b"12345678901234567890123"]))
def test_a_file_gives_back_what_was_not_edited(body: bytes) -> None:
    one = rejection(body)
    (written,) = read_lines(msgspec.json.encode(line_of(one)) + b"\n\n").items()
    assert written[0] == one.rejection_id
    assert written[1] == body or msgspec.json.decode(written[1]) == msgspec.json.decode(body)


def test_a_line_that_cannot_be_read_is_named() -> None:
    with pytest.raises(Rejected, match="Line 2"):
        read_lines(msgspec.json.encode(line_of(rejection(b"x"))) + b"\n{}\n")
