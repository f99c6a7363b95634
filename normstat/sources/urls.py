"""URLs as fsspec understands them, chained ones (`zip://a/*.png::s3://bucket/a.zip`) too."""

import re
from urllib.parse import quote, unquote

_USER = re.compile(r"\b(\w[\w+.-]*)://([^/\s]*)@")
_QUERY = re.compile(r"(\bhttps?://[^\s?]*)\?\S*?(?=::|\s|$)")


def public(text: str) -> str:
    """Return a text without the secrets that its URLs may hold: users, passwords and queries.

    >>> public("https://me:secret@host/a.png?sig=Zm9v and sftp://me:secret@host/x")
    'https://host/a.png and sftp://host/x'
    >>> public("abfs://container@account/x"), public("github://org:repo@main/x")
    ('abfs://container@account/x', 'github://org:repo@main/x')
    """
    return _QUERY.sub(r"\1", _USER.sub(_without_user, text))


def _without_user(match: re.Match[str]) -> str:
    scheme, user = match.groups()
    # Other stores keep what is no secret in that place: a container, a repository.
    secret = scheme in {"http", "https"} or (":" in user and scheme != "github")
    return f"{scheme}://" if secret else match[0]


def protocols(url: str) -> list[str]:
    """Return the protocols of a chain, the outermost first.

    >>> protocols("zip://a.png::simplecache::s3://bucket/a.zip")
    ['zip', 'simplecache', 's3']
    """
    return [bit.partition("://")[0] for bit in url.split("::")]


def is_web(url: str) -> bool:
    """Whether paths are parts of a web address, which are percent-encoded."""
    return _parts(url)[1].startswith(("http://", "https://"))


def below(url: str, path: str) -> str:
    """Return the URL of what lies at `path` below a folder.

    >>> below("s3://bucket/x/", "a.png"), below("zip://::s3://bucket/a.zip", "a.png")
    ('s3://bucket/x/a.png', 'zip://a.png::s3://bucket/a.zip')
    """
    before, bit, after = _parts(url)
    if path and not bit.endswith("://"):
        bit = bit.rstrip("/") + "/"
    return before + bit + path + after


def split(url: str) -> tuple[str, str]:
    """Return the URL of the folder that something lies in, and its name there.

    >>> split("zip://a/1.png::s3://bucket/a.zip")
    ('zip://a::s3://bucket/a.zip', '1.png')
    >>> split("memory://1.png")
    ('memory://', '1.png')
    """
    before, bit, after = _parts(url)
    scheme, mark, path = bit.partition("://")
    folder, _, name = path.rpartition("/")
    return f"{before}{scheme}{mark}{folder}{after}", name


def split_pattern(url: str) -> tuple[str, str]:
    """Return the URL of the folder before the first wildcard, and the pattern below it.

    In web addresses `?` begins a query and is no wildcard. Without one the pattern is empty.

    >>> split_pattern("s3://bucket/train/*/1?.png")
    ('s3://bucket/train', '*/1?.png')
    >>> split_pattern("s3://bucket/train")
    ('s3://bucket/train', '')
    """
    before, bit, after = _parts(url)
    scheme, mark, path = bit.partition("://")
    magic = re.search(r"[*[]" if is_web(url) else r"[*?[]", path)
    if not magic:
        return url, ""
    start = path.rfind("/", 0, magic.start()) + 1
    return f"{before}{scheme}{mark}{path[:start].rstrip('/')}{after}", path[start:]


def joined(base: str, path: str) -> str:
    """Return a path below a folder of a store, whose root is "", "/" or a host."""
    if not (base and path):
        return base or path
    return f"{base.rstrip('/')}/{path}"


def to_link(path: str) -> str:
    """Return a path as a part of a web address."""
    return quote(path, errors="surrogateescape")


def from_link(link: str) -> str:
    """Return the path that a link stands for, or nothing when it does not lead downwards.

    >>> from_link("two%20words.png"), from_link("../up.png"), from_link("?sort=name")
    ('two words.png', '', '')
    """
    path = unquote(link.partition("?")[0], errors="surrogateescape").removeprefix("./")
    parts = path.split("/")
    if link.startswith(("?", "#")) or ".." in parts:
        return ""
    # With a slash inside a name it is no path of ours: then the link is looked for, and named.
    return path if path.count("/") == link.count("/") else link


def _parts(url: str) -> tuple[str, str, str]:
    """Return what stands before, in and after the part of a chain that holds the path."""
    bits = url.split("::")
    index = next((number for number, bit in enumerate(bits) if "://" in bit), 0)
    return (
        "".join(f"{bit}::" for bit in bits[:index]),
        bits[index],
        "".join(f"::{bit}" for bit in bits[index + 1 :]),
    )
