"""Which published normalization some numbers are, or which slip made them out of one."""

from normstat.identification.known import Known, identify
from normstat.identification.model import Identification, Near, Reading
from normstat.identification.pasted import parse_numbers

__all__ = ["Identification", "Known", "Near", "Reading", "identify", "parse_numbers"]
