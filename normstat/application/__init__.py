"""`apply`: normalize every image of a plan and store the values, each file whole or not at all."""

from normstat.application.runs import run

__all__ = ["run"]
