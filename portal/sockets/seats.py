"""Who sits at a socket."""

from dataclasses import dataclass
from uuid import UUID

from prometheus_client import Gauge

from portal.messaging import push

SOCKETS = Gauge("greenroom_sockets", "Sockets to pages that are open.", multiprocess_mode="livesum")


@dataclass(frozen=True)
class Seat:
    """One page of a user: found at the handshake, never said by the page itself.

    ``stamp`` is the user's, which ends their log-ins; ``mark`` that of this one log-in. ``seconds`` is how long the
    log-in lasts without a request, and so the socket.
    """

    tenant_id: UUID
    user_id: UUID
    stamp: int
    mark: str
    seconds: float

    @property
    def user(self) -> tuple[UUID, UUID]:
        return self.tenant_id, self.user_id

    @property
    def room(self) -> str:
        return push.room(self.tenant_id, self.user_id)

    @property
    def log_in(self) -> tuple[UUID, UUID, int]:
        """What has to hold still."""
        return self.tenant_id, self.user_id, self.stamp
