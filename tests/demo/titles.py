"""What the demo's interviews are found by."""

import sqlalchemy as sa

from portal.core.db import db
from portal.core.types import fold
from portal.interviews.models import Interview, InterviewTitle


def titles_are_right() -> None:
    """Each interview is found by its own title, and by nothing else."""
    titles = {(row.tenant_id, row.id): fold(row.title) for row in db.session.scalars(sa.select(Interview))}
    kept = db.session.scalars(sa.select(InterviewTitle))
    assert {(row.tenant_id, row.interview_id): row.search_text for row in kept} == titles
