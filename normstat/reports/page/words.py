"""Small things that are said in many places."""


def counted(number: int, thing: str) -> str:
    """Return a number and what it counts.

    >>> counted(1, "image"), counted(2592, "image")
    ('1 image', '2,592 images')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
