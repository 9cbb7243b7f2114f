"""Pictures from outside: what works comes out right, what does not is said in one sentence."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from limner.errors import BadImage
from limner.tools import images
from limner.tools.images import check_picture, load_picture, smaller, square, to_rgb
from limner.tools.subject import GREY, crop_subject

COLOUR = (200, 60, 20)


def picture(size=(40, 24)) -> Image.Image:
    """The left half coloured, the rest dark."""
    image = Image.new("RGB", size, (10, 20, 30))
    image.paste(COLOUR, (0, 0, size[0] // 2, size[1]))
    return image


def near(a, b, by=4) -> bool:
    return all(abs(x - y) <= by for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize(
    ("mode", "file", "expected"),
    [
        ("RGB", "a.png", COLOUR), ("RGBA", "a.png", COLOUR), ("P", "a.png", COLOUR), ("P", "a.gif", COLOUR),
        ("CMYK", "a.tiff", COLOUR), ("L", "a.png", (97, 97, 97)),
        ("LA", "a.png", (97, 97, 97)), ("1", "a.png", (0, 0, 0)),
    ],
)  # fmt: skip
def test_modes(tmp_path, mode, file, expected):
    made = picture().quantize(8) if mode == "P" else picture().convert(mode, dither=Image.Dither.NONE)
    made.save(tmp_path / file)
    loaded = load_picture(tmp_path / file)
    assert loaded.image.mode == "RGB"
    assert near(loaded.image.getpixel((2, 2)), expected, 8)


def test_cmyk_jpeg(tmp_path):
    picture().convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert near(load_picture(tmp_path / "a.jpg").image.getpixel((2, 2)), COLOUR, 12)


def test_sixteen_bits(tmp_path):
    values = np.full((20, 20), 32896, np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    assert load_picture(tmp_path / "a.png").image.getpixel((0, 0)) == (128, 128, 128)


def test_transparent_becomes_white(tmp_path):
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert load_picture(tmp_path / "a.png").image.getpixel((0, 0)) == (255, 255, 255)


def test_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture().save(tmp_path / "a.jpg", exif=exif, quality=95)
    upright = load_picture(tmp_path / "a.jpg").image
    assert upright.size == (24, 40)
    assert near(upright.getpixel((12, 3)), COLOUR, 12)


def test_animation_says_so(tmp_path):
    frames = [Image.new("RGB", (20, 20), c) for c in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    loaded = load_picture(tmp_path / "a.gif")
    assert near(loaded.image.getpixel((0, 0)), (255, 0, 0))
    assert "2 frames" in loaded.notices[0]


def bomb(side: int) -> bytes:
    """A PNG that says it has `side` x `side` px and holds none."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = b"".join(
        struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d))
        for t, d in ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize("case", ["missing", "folder", "text", "truncated", "bomb", "tiny", "empty", "escape"])
def test_bad_input_is_one_sentence(tmp_path, case):
    file = tmp_path / ("a\x1b[31m.jpg" if case == "escape" else "a.jpg")
    if case == "folder":
        file.mkdir()
    elif case in ("text", "escape"):
        file.write_text("hello")
    elif case == "truncated":
        picture((300, 300)).save(file, quality=95)
        file.write_bytes(file.read_bytes()[:900])
    elif case == "bomb":
        file.write_bytes(bomb(20_000))
    elif case == "tiny":
        picture((3, 3)).save(file)
    elif case == "empty":
        file.write_bytes(b"")
    with pytest.raises(BadImage) as caught:
        load_picture(file)
    assert caught.value.exit_status == 2
    assert "\n" not in caught.value.text and "\x1b" not in caught.value.text
    assert len(caught.value.text) < 160
    with pytest.raises(BadImage) as checked:
        check_picture(file)
    assert checked.value.text == caught.value.text


def test_a_good_picture_is_checked(tmp_path, monkeypatch):
    picture((400, 300)).save(tmp_path / "a.jpg")
    kept = []
    monkeypatch.setattr(images, "to_rgb", lambda image: kept.append(image.size))
    check_picture(tmp_path / "a.jpg")
    assert kept == [(50, 38)], "not all of it is computed"


def test_smaller_keeps_the_shape():
    assert smaller(picture((4000, 3000)), 384).size == (384, 288)
    assert near(smaller(picture((4000, 3000)), 384).getpixel((20, 20)), COLOUR)
    small = picture((300, 200))
    assert smaller(small, 384) is small


def test_square_never_stretches():
    small = square(picture((80, 40)), 32)
    assert small.size == (32, 32)
    assert near(small.getpixel((4, 16)), COLOUR, 12)
    assert square(picture((64, 64)), 64).tobytes() == picture((64, 64)).tobytes()


def test_crop_centres_the_subject():
    image, mask = Image.new("RGB", (64, 64), "green"), Image.new("L", (64, 64), 0)
    image.paste("red", (40, 40, 60, 60))
    mask.paste(255, (40, 40, 60, 60))
    crop = crop_subject(image, mask)
    assert crop.size == (64, 64)
    assert near(crop.getpixel((0, 0)), GREY)
    assert near(crop.getpixel((32, 32)), (255, 0, 0))
    assert crop_subject(image, Image.new("L", (64, 64), 0)).size == (64, 64)


def test_float_pictures():
    assert to_rgb(Image.fromarray(np.full((20, 20), 77.0, np.float32))).getpixel((0, 0)) == (77, 77, 77)
