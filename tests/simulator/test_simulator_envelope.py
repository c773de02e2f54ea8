"""The wire's cryptography against the official vector and against wechatpy."""

import pytest
from wechatpy.crypto import WeChatCrypto

from simulator import markup
from simulator.envelope import Envelope, Unreadable

TOKEN, AES_KEY, APP_ID = "demo-token", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wx1234567890abcdef"
TEXTS = ["", "签到", "<xml>]]></xml>", "😀" * 700, "x" * 28, "x" * 29]


def test_the_official_vector_of_the_verification_signature() -> None:
    envelope = Envelope("AAAAA", AES_KEY, APP_ID)
    assert envelope.signature("1714036504", "1514711492") == "f464b24fc39322e44b38aa78f5edd27bd1441696"


@pytest.mark.parametrize("text", TEXTS)
def test_wechatpy_opens_what_we_seal(text: str, oracle: WeChatCrypto) -> None:
    envelope = Envelope(TOKEN, AES_KEY, APP_ID)
    sealed = envelope.seal(text)
    body = markup.write({"ToUserName": "gh_1", "Encrypt": sealed})
    signature = envelope.signature("1700000000", "nonce", sealed)
    assert oracle.decrypt_message(body, signature, "1700000000", "nonce") == text


@pytest.mark.parametrize("text", TEXTS)
def test_we_open_what_wechatpy_seals(text: str, oracle: WeChatCrypto) -> None:
    root = markup.read(oracle.encrypt_message(text, "nonce", "1700000000"))
    sealed = markup.value(root, "Encrypt")
    envelope = Envelope(TOKEN, AES_KEY, APP_ID)
    assert envelope.is_signed(markup.value(root, "MsgSignature"), "1700000000", "nonce", sealed)
    assert envelope.open(sealed) == text


def test_padding_is_a_whole_block_when_the_text_already_fills_its_last_one() -> None:
    envelope = Envelope(TOKEN, AES_KEY, APP_ID)
    filling = "x" * (64 - 16 - 4 - len(APP_ID))
    assert len(envelope.seal(filling)) == 128  # 96 bytes in base64
    assert envelope.open(envelope.seal(filling)) == filling


@pytest.mark.parametrize("damaged", ["", "not base64!", "AAAA", "A" * 128])
def test_damaged_texts_are_unreadable(damaged: str) -> None:
    with pytest.raises(Unreadable):
        Envelope(TOKEN, AES_KEY, APP_ID).open(damaged)


def test_a_text_sealed_for_another_account_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        Envelope(TOKEN, AES_KEY, APP_ID).open(Envelope(TOKEN, AES_KEY, "wx0000000000000000").seal("hello"))


def test_xml_survives_the_end_of_a_cdata_section_and_loses_only_what_xml_cannot_hold() -> None:
    root = markup.read(markup.write({"Content": "a]]>b\x00\x1b<c>&amp;", "List": [{"N": 1}, {"N": 2}]}))
    assert markup.value(root, "Content") == "a]]>b<c>&amp;"
    assert [markup.value(item, "N") for item in root.iterfind("List")] == ["1", "2"]


@pytest.mark.parametrize("text", ['<!DOCTYPE xml [<!ENTITY a "b">]><xml>&a;</xml>', "<xml>", "<html/>", ""])
def test_documents_with_a_dtd_and_broken_ones_are_malformed(text: str) -> None:
    with pytest.raises(markup.Malformed):
        markup.read(text)
