"""What an exported picture says about itself: text in the file, and a signed C2PA manifest where c2pa is installed.

The manifest follows the C2PA specification 2.x (c2pa.org): an action "c2pa.created" with IPTC's digital source type. It
is signed with the certificate named by LIMNER_C2PA_CERT and LIMNER_C2PA_KEY (PEM files), or with one that is made
for this library once: then it shows that nobody changed the picture since, and not who made it.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ..errors import LibraryError, UserError
from ..memory.files import replacing

if TYPE_CHECKING:
    from ..memory.values import Take

SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "TIFF": "image/tiff"}
LABEL = "org.limner.take"
NEVER_ENDS = datetime(2099, 1, 1, tzinfo=UTC)


def facts(take: Take, takes: Sequence[Take] = (), *, prompts: bool = False) -> dict[str, Any]:
    """What made a take, as plain values.

    Args:
        takes: those of its session: its ancestors are named.
        prompts: also the user's own words, which are private unless the user says otherwise.
    """
    known = {other.id: other for other in takes}
    lineage: list[Take] = []
    at = take
    while at.parent in known and len(lineage) < len(known):
        at = known[at.parent]
        lineage.append(at)
    made = take.origin != "import"
    photographed = any(one.origin == "import" for one in (take, *lineage))
    source = "compositeWithTrainedAlgorithmicMedia" if photographed else "trainedAlgorithmicMedia"
    found: dict[str, Any] = {
        "ai_generated": made,
        "digital_source_type": SOURCES + source if made else "",
        "take": take.id,
        "concepts": [f"{use.name} (version {use.version})" for use in take.concepts],
        "method": take.method,
        "adapters": list(take.adapters),
        "model": take.model,
        "lineage": [f"{one.id} ({one.origin})" for one in lineage],
        "created": take.created,
    }
    if prompts:
        found |= {"prompt": take.prompt, "seed": take.seed, "earlier_prompts": [one.prompt for one in lineage]}
    return {name: value for name, value in found.items() if value not in ("", [], None)}


def originals(take: Take, takes: Sequence[Take]) -> list[Path]:
    """The signed files that a take was made from: its own and its ancestors', nearest first."""
    known = {other.id: other for other in takes}
    found: list[Path] = []
    at: Take | None = take
    for _ in range(len(known) + 1):
        if at is None:
            break
        found += sorted(at.image_path.parent.glob("original.*"))
        at = known.get(at.parent or "")
    return found


def encode(
    image: Image.Image, about: Mapping[str, Any], name: str, home: Path | None = None, made_from: Sequence[Path] = ()
) -> bytes:
    """A picture file that says what made it.

    Args:
        name: its file name; the ending names the format.
        home: the library's folder, where the certificate lies; `None`: no manifest.
        made_from: signed files, whose manifests are preserved as ingredients of the new one.

    Raises:
        UserError: the ending names no format of pictures. LibraryError: it could not be signed.
    """
    kind = Image.registered_extensions().get(Path(name).suffix.lower(), "")
    buffer = io.BytesIO()
    try:
        image.save(buffer, kind or Path(name).suffix, **_text(kind, about))
    except (ValueError, OSError, KeyError) as error:
        hint = "Use .png, .jpg or .webp."
        raise UserError(f"{name!r} has no ending that names a picture format.", hint) from error
    data = buffer.getvalue()
    if home is None or not about.get("ai_generated") or kind not in FORMATS or find_spec("c2pa") is None:
        return data
    return _signed(data, FORMATS[kind], name, about, home, made_from)


def _text(kind: str, about: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `Image.save` that put `about` into the file: PNG text, or EXIF."""
    from .. import __version__

    software = f"Limner {__version__}"
    whole = json.dumps(about, ensure_ascii=False)
    if kind == "PNG":
        text = PngInfo()
        text.add_text("Software", software)
        text.add_text("AI-generated", "yes" if about.get("ai_generated") else "no")
        for name in ("concepts", "method", "lineage", "prompt"):
            if name in about:
                value = about[name]
                text.add_itxt(name.capitalize(), value if isinstance(value, str) else "; ".join(value))
        text.add_itxt("Limner", whole)
        return {"pnginfo": text}
    if kind in ("JPEG", "WEBP", "TIFF"):
        exif = Image.Exif()
        # Software and ImageDescription; EXIF text is ASCII.
        exif[0x0131], exif[0x010E] = software, json.dumps(about)
        return {"exif": exif} | ({"quality": 95} if kind != "TIFF" else {})
    return {}


def _signed(
    data: bytes, mime: str, title: str, about: Mapping[str, Any], home: Path, made_from: Sequence[Path]
) -> bytes:
    import c2pa

    from .. import __version__

    agent = {"name": "Limner", "version": __version__}
    action = {
        "action": "c2pa.created",
        "digitalSourceType": about["digital_source_type"],
        "softwareAgent": agent,
        "when": about.get("created") or datetime.now(UTC).isoformat(timespec="seconds"),
    }
    manifest = {
        "claim_generator_info": [agent],
        "title": title,
        "format": mime,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [action]}},
            {"label": LABEL, "data": dict(about)},
        ],
    }
    chain, key = _certificate(home)
    try:
        with (
            c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", chain, key, None)) as signer,
            c2pa.Builder(manifest) as builder,
        ):
            made = io.BytesIO()
            for file in made_from:
                form = FORMATS[Image.registered_extensions()[file.suffix]]
                part = {"title": file.name, "relationship": "componentOf"}
                builder.add_ingredient(json.dumps(part), form, io.BytesIO(file.read_bytes()))
            builder.sign(signer, mime, io.BytesIO(data), made)
            return made.getvalue()
    except (c2pa.C2paError, OSError, KeyError) as error:
        hint = "Check LIMNER_C2PA_CERT and LIMNER_C2PA_KEY, or uninstall c2pa-python to save without a manifest."
        raise LibraryError(f"The picture's manifest could not be signed: {str(error)[:200]}", hint) from error


def manifest_of(file: Path) -> dict[str, Any] | None:
    """The active C2PA manifest of a picture file, `None` where there is none or c2pa is not installed."""
    if find_spec("c2pa") is None:
        return None
    import c2pa

    try:
        reader = c2pa.Reader.try_create(str(file))
        if reader is None:
            return None
        with reader:
            found: dict[str, Any] = json.loads(reader.json())
        return dict(found["manifests"][found["active_manifest"]])
    except (c2pa.C2paError, ValueError, KeyError):
        return None  # a kind of file that holds none, or one that is broken


def _certificate(home: Path) -> tuple[bytes, bytes]:
    """The signing certificate's chain and its private key, PEM."""
    named = [os.environ.get(f"LIMNER_C2PA_{part}") for part in ("CERT", "KEY")]
    own = home / "signing.pem"
    try:
        if all(named):
            return Path(named[0] or "").read_bytes(), Path(named[1] or "").read_bytes()
        if not own.exists():
            _make_certificate(own)
        chain, mark, key = own.read_bytes().partition(b"-----BEGIN PRIVATE KEY-----")
        return chain, mark + key
    except OSError as error:
        raise LibraryError(f"The signing certificate cannot be used: {error}") from error


def _make_certificate(file: Path) -> None:
    """A certificate of this library's own, under an authority that is forgotten at once (ECDSA P-256)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    kinds = (x509.NameOID.ORGANIZATION_NAME, x509.NameOID.COMMON_NAME)
    names = [
        x509.Name([x509.NameAttribute(kind, text) for kind, text in zip(kinds, ("Limner", name), strict=True)])
        for name in ("A library of Limner (authority)", "A library of Limner")
    ]
    start = datetime.now(UTC) - timedelta(days=1)

    def certificate(name: Any, key: Any, *, root: bool) -> Any:
        usage = {
            "digital_signature": not root, "key_cert_sign": root, "crl_sign": root, "content_commitment": False,
            "key_encipherment": False, "data_encipherment": False, "key_agreement": False, "encipher_only": False,
            "decipher_only": False,
        }  # fmt: skip
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(names[0])
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(NEVER_ENDS)
            .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
        )
        if not root:
            purposes = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.EMAIL_PROTECTION])
            made = made.add_extension(purposes, critical=True)
        return made.sign(authority, hashes.SHA256())

    pem = serialization.Encoding.PEM
    chain = b"".join(
        certificate(name, key, root=root).public_bytes(pem)
        for name, key, root in ((names[1], own, False), (names[0], authority, True))
    )
    plain = own.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with replacing(file) as stream:
        os.fchmod(stream.fileno(), 0o600)
        stream.write(chain + plain)
