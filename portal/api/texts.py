"""What the document says in words."""

INTRODUCTION = """\
Everything that the portal does with interviews, mock interviews, training and applications, for your own programs.

**Who asks.** Send an API token as `Authorization: Bearer gr_…`. You make one in the portal, under your name; it may do
what you may, or less. A page of the portal may use the browser's session instead, and then sends the form token as
`X-CSRFToken` with whatever is no reading.

**Lists** answer `{items, page, page_size, total, total_is_capped}`. `sort=-field` is descending; an argument of another
name is an error. Filters that take several values may be repeated.

**References** are `<name>_id` in a body, and in an answer also `<name>: {id, label}`.

**Two at once.** Each row has a `version`. Send the one that you have seen (or its ETag as `If-Match`) with a change:
where somebody was faster, nothing is done and 409 answers the row as it stands in `current`.

**Sent twice.** A POST with an `Idempotency-Key` is done once, and answered the same again for a day. Refused requests
are not remembered.

**Refusals** are `application/problem+json` (RFC 9457), with `errors` by field. A verb that does not start from the
present state is 409, which names the `state` and what is `possible`. A row that you may not see does not exist: 404.

**Times** are RFC 3339 with an offset, and are answered in UTC.

**How much.** The X-RateLimit headers tell how many requests a minute are left to your token.
"""

CHAPTERS = {
    "mock-interview-templates": "The criteria that mock interviews are judged by, role by role.",
    "mock-interviews": "Rehearsals with a coordinator: asked for, arranged, conducted, assessed.",
    "training": "What candidates work on before they are assessed again, and its sessions.",
    "candidate-projects": "Applications: one candidate for one job, on the way through the pipeline.",
    "interviews": "Interviews with their panels, verbs and feedback.",
    "interview-slots": "Times that interviewers offer.",
    "interview-templates": "What interviews of one sort have in common.",
    "candidates": "The people who are to be hired.",
    "projects": "Clients' orders for people.",
    "jobs": "The roles that projects need.",
    "job-roles": "The catalogue of roles.",
    "notifications": "What you were told in the portal: your own, whatever your role.",
    "webhooks": "Addresses of yours that are told of what happens, and what was sent to them. What is sent stands "
    "under “webhooks” in this document; how to check it, in the portal's documentation.",
    "me": "Who you are, and what you may do.",
    "users": "Everyone who may log in.",
    "tokens": "API tokens.",
}

REFUSALS = {
    400: "The request cannot be read. The detail says where; mend it and send it again.",
    401: "Nobody is known to ask. Send a token as “Authorization: Bearer gr_…”.",
    403: "Your role, or the token's scope, does not permit this. Ask for a wider grant, or take another token.",
    404: "There is nothing here, or nothing you may see. It is the same answer for both.",
    409: "Not possible now: the state is another, somebody was faster, or a time is taken. Read the row and try anew.",
    413: "The request is larger than one million bytes. Send less at a time.",
    415: "The body is not JSON. Send it as application/json.",
    422: "A field or an argument breaks a rule. The errors name each with what is wrong.",
    429: "Too many requests. Wait for as many seconds as Retry-After says.",
}
