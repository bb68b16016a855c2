"""Which uploads share a file batch."""

from hypothesis import given
from hypothesis import strategies as st

from functions.ingest.grouping import Prepared, group
from functions.ingest.ledger import Batch, Claim
from functions.messages import DownloadRequest


def prepared(number: int, store: str, customer: str, batch: str = "") -> Prepared:
    made = Batch(batch_id=batch, vector_store_id="vs", vector_store_name=store) if batch else None
    return Prepared(
        request=DownloadRequest.parse(
            {
                "domain": "example.com",
                "customerDomain": customer,
                "url": f"https://example.com/{number}",
                "fallback": "f",
                "vectorStore": store,
                "type": "news",
            }
        ),
        claim=Claim(key=str(number), owner="me", batch=made),
    )


def test_two_requesters_of_one_store_get_a_batch_each() -> None:
    groups = group(
        [prepared(1, "s", "a.com"), prepared(2, "s", "b.com"), prepared(3, "s", "a.com")],
        max_files=500,
    )
    assert [(g.context.customer_domain, len(g.members)) for g in groups] == [
        ("a.com", 2),
        ("b.com", 1),
    ]


def test_what_an_earlier_worker_put_into_a_batch_stays_with_that_batch() -> None:
    groups = group(
        [prepared(1, "s", "a.com"), prepared(2, "s", "a.com", batch="vsfb_1")], max_files=500
    )
    assert [[m.claim.key for m in g.members] for g in groups] == [["1"], ["2"]]


members = st.lists(
    st.tuples(st.sampled_from("stu"), st.sampled_from(["a", "b"]), st.sampled_from(["", "x"])),
    max_size=40,
)


@given(members, st.integers(1, 7))
def test_every_upload_is_in_exactly_one_group_of_its_own_kind(
    kinds: list[tuple[str, str, str]], max_files: int
) -> None:
    uploads = [prepared(number, *kind) for number, kind in enumerate(kinds)]
    groups = group(uploads, max_files=max_files)
    keys = [member.claim.key for each in groups for member in each.members]
    assert sorted(keys) == sorted(upload.claim.key for upload in uploads)
    for each in groups:
        assert 1 <= len(each.members) <= max_files
        for member in each.members:
            assert member.request.vector_store == each.vector_store_name
            assert member.request.context == each.context
            assert member.claim.batch == each.members[0].claim.batch
