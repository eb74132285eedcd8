"""History by REST into the store: only what lacks, chunk by chunk, so that nothing is lost when it is interrupted."""

from trader.engine.download.report import DownloadReport, StreamReport
from trader.engine.download.run import DownloadRequest, Progress, download

__all__ = ["DownloadReport", "DownloadRequest", "Progress", "StreamReport", "download"]
