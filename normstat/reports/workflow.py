"""The syntax of GitHub's workflow commands."""


def data(text: str) -> str:
    r"""Return a message as the last part of a command.

    >>> data("100%\n")
    '100%25%0A'
    """
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def property_value(text: str) -> str:
    """Return a text as the value of a property.

    >>> property_value("a,b:c")
    'a%2Cb%3Ac'
    """
    return data(text).replace(":", "%3A").replace(",", "%2C")
