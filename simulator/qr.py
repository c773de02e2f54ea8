"""Drawing a QR code."""

from io import BytesIO

import segno


def picture(text: str) -> bytes:
    """A PNG of about 430 pixels, the size of real ones, that says the text."""
    code = segno.make(text, error="m", micro=False)
    buffer = BytesIO()
    code.save(buffer, kind="png", scale=max(1, 430 // code.symbol_size()[0]))
    return buffer.getvalue()
