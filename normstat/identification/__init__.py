"""Which published normalization some numbers are, or which slip made them out of one."""

from normstat.identification.known import Known
from normstat.identification.model import Identification, Near, Reading
from normstat.identification.pasted import parse_numbers

__all__ = ["Identification", "Known", "Near", "Reading", "parse_numbers"]
