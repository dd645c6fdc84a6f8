"""What an audit returns, as data: `Report` and what is in it."""

from ._auditing._findings import Depth, Facts, Finding, Reach, Severity
from ._auditing._report import Report

__all__ = ["Depth", "Facts", "Finding", "Reach", "Report", "Severity"]
