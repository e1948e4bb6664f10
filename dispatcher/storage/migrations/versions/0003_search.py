"""Search over conversations: an index that triggers keep, because a writer may forget and a trigger does not.

`search_passages` has one row for each reply and each response: `said` is what was said (with a mail's subject and what
a machine wrote down of a recording), `about` whose conversation it is of and on which alert. SQLite indexes both by
FTS5, PostgreSQL as a tsvector that is made here word by word: its own parser takes "3.5", "a-b" and addresses as one
word and knows the case of letters by the database's locale only, so that the two would give different hits.

A later migration that makes one of these tables anew on SQLite (`batch_alter_table` does) loses its triggers and must
make them again: call this one's `downgrade` before and its `upgrade` after.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MOST = 100_000  # letters of one text that are looked through
# Letters that Unicode does not take apart; the same table is in services/search_words.py.
SPELLED = {
    "ß": "ss", "ẞ": "ss", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l",
    "đ": "d", "Đ": "d", "ð": "d", "Ð": "d", "þ": "th", "Þ": "th", "ı": "i",
}


def upgrade() -> None:
    for statement in _sqlite() if op.get_bind().dialect.name == "sqlite" else _postgresql():
        op.execute(statement.replace(":", r"\:"))


def downgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for name, table, *_ in _triggers(sqlite):
        op.execute(f"DROP TRIGGER {name}" if sqlite else f"DROP TRIGGER {name} ON {table}")
    if sqlite:
        op.execute("DROP TABLE search_words")
    op.execute("DROP TABLE search_passages")
    if not sqlite:
        for name, *_ in _triggers(sqlite):
            op.execute(f"DROP FUNCTION {name}()")
        op.execute("DROP FUNCTION search_index()")
        op.execute("DROP FUNCTION search_vector(text, text)")
        op.execute("DROP FUNCTION search_words(text)")


# --- what is said in a passage, alike for both ------------------------------------------------------------


def _about(customer: str, message: str) -> str:
    return (
        "coalesce((SELECT c.name || ' ' || c.key || ' ' || coalesce(f.name, '') FROM customers c "
        f"LEFT JOIN firms f ON f.id = c.firm_id WHERE c.id = {customer}), '') || ' ' || "
        "coalesce((SELECT v.subject FROM messages m JOIN versions v ON v.message_id = m.id AND v.number = m.version "
        f"WHERE m.id = {message}), '')"
    )


def _reply(row: str) -> str:
    """What a reply says, with what was written down of its recording."""
    return (
        f"{row}.subject || ' ' || {row}.text || ' ' || coalesce((SELECT max(h.transcript) FROM recordings h "
        f"WHERE h.reply_id = {row}.id), '')"
    )


def _triggers(sqlite: bool) -> Iterator[tuple[str, str, str, str, str]]:
    """Name, table, event, condition, statements."""

    def kept(text: str) -> str:
        # SQLite's tokenizer takes the rest apart by itself; here a text is only spelled and cut.
        if not sqlite:
            return text
        for letter, letters in SPELLED.items():
            text = f"replace({text}, '{letter}', '{letters}')"
        return f"substr({text}, 1, {MOST})"

    differs = "IS NOT" if sqlite else "IS DISTINCT FROM"
    columns = "(kind, reply_id, response_id, conversation_id, customer_id, message_id, said, about)"

    def changed(*names: str) -> str:
        return " OR ".join(f"OLD.{name} {differs} NEW.{name}" for name in names)

    # A member of staff's alert is nobody's answer, and secret until it is released.
    reply = (
        f"INSERT INTO search_passages {columns} SELECT 'reply', NEW.id, NULL, NEW.conversation_id, NEW.customer_id, "
        f"NEW.message_id, {kept(_reply('NEW'))}, {kept(_about('NEW.customer_id', 'NEW.message_id'))} "
        "WHERE NEW.kind <> 'alert' AND NOT EXISTS (SELECT 1 FROM search_passages p WHERE p.reply_id = NEW.id);"
    )
    again = (
        "DELETE FROM search_passages WHERE reply_id = NEW.id AND NEW.kind = 'alert'; "
        "UPDATE search_passages SET conversation_id = NEW.conversation_id, customer_id = NEW.customer_id, "
        f"message_id = NEW.message_id, said = {kept(_reply('NEW'))}, "
        f"about = {kept(_about('NEW.customer_id', 'NEW.message_id'))} WHERE reply_id = NEW.id; "
    )
    yield "search_reply_new", "replies", "AFTER INSERT", "", reply
    what = changed("text", "subject", "conversation_id", "customer_id", "message_id")
    yield "search_reply_changed", "replies", "AFTER UPDATE", (
        f"{what} OR (OLD.kind = 'alert') <> (NEW.kind = 'alert')"
    ), again + reply
    yield "search_reply_gone", "replies", "AFTER DELETE", "", "DELETE FROM search_passages WHERE reply_id = OLD.id;"

    response = (
        f"INSERT INTO search_passages {columns} SELECT 'response', NULL, NEW.id, t.id, t.customer_id, t.message_id, "
        f"{kept('NEW.text')}, {kept(_about('t.customer_id', 't.message_id'))} "
        "FROM conversations t WHERE t.id = NEW.conversation_id;"
    )
    old_response = "DELETE FROM search_passages WHERE response_id = OLD.id; "
    yield "search_response_new", "responses", "AFTER INSERT", "", response
    yield "search_response_changed", "responses", "AFTER UPDATE", changed("text", "conversation_id"), (
        old_response + response
    )
    yield "search_response_gone", "responses", "AFTER DELETE", "", old_response

    moved = (
        "UPDATE search_passages SET customer_id = NEW.customer_id, message_id = NEW.message_id, "
        f"about = {kept(_about('NEW.customer_id', 'NEW.message_id'))} WHERE conversation_id = NEW.id;"
    )
    yield "search_talk_changed", "conversations", "AFTER UPDATE", changed("customer_id", "message_id"), moved

    written = (
        f"UPDATE search_passages SET said = (SELECT {kept(_reply('r'))} FROM replies r WHERE r.id = NEW.reply_id) "
        "WHERE reply_id = NEW.reply_id;"
    )
    is_there = "NEW.reply_id IS NOT NULL AND NEW.transcript IS NOT NULL"
    yield "search_transcript_new", "recordings", "AFTER INSERT", is_there, written
    yield "search_transcript_changed", "recordings", "AFTER UPDATE", (
        f"{is_there} AND ({changed('transcript', 'reply_id')})"
    ), written

    here = kept(_about("search_passages.customer_id", "search_passages.message_id"))
    yield "search_customer_changed", "customers", "AFTER UPDATE", changed("name", "key", "firm_id"), (
        f"UPDATE search_passages SET about = {here} WHERE customer_id = NEW.id;"
    )
    yield "search_firm_changed", "firms", "AFTER UPDATE", changed("name"), (
        f"UPDATE search_passages SET about = {here} "
        "WHERE customer_id IN (SELECT c.id FROM customers c WHERE c.firm_id = NEW.id);"
    )
    yield "search_subject_changed", "versions", "AFTER UPDATE", changed("subject"), (
        f"UPDATE search_passages SET about = {here} WHERE message_id = NEW.message_id;"
    )


# What is there already, in the order in which it was said, so that the newest has the highest number.
_BEFORE = (
    "SELECT 'reply' AS kind, r.id AS reply_id, NULL AS response_id, r.conversation_id, r.customer_id, r.message_id, "
    "{reply} AS said, {about_reply} AS about, r.received_at AS at FROM replies r WHERE r.kind <> 'alert' UNION ALL "
    "SELECT 'response', NULL, s.id, t.id, t.customer_id, t.message_id, s.text, {about_talk}, s.created_at "
    "FROM responses s JOIN conversations t ON t.id = s.conversation_id"
)


def _backfill(sqlite: bool) -> str:
    rows = _BEFORE.format(
        reply=_reply("r"),
        about_reply=_about("r.customer_id", "r.message_id"),
        about_talk=_about("t.customer_id", "t.message_id"),
    )
    said, about = "said", "about"
    if sqlite:
        for letter, letters in SPELLED.items():
            said, about = (f"replace({one}, '{letter}', '{letters}')" for one in (said, about))
        said = f"substr({said}, 1, {MOST})"
    return (
        "INSERT INTO search_passages (kind, reply_id, response_id, conversation_id, customer_id, message_id, said, "
        f"about) SELECT kind, reply_id, response_id, conversation_id, customer_id, message_id, {said}, {about} "
        f"FROM ({rows}) AS before ORDER BY at, reply_id"
    )


_COLUMNS = (
    "kind VARCHAR(16) NOT NULL, reply_id {big} UNIQUE, response_id {big} UNIQUE, conversation_id {big}, "
    "customer_id {big}, message_id {big}, said TEXT NOT NULL, about TEXT NOT NULL"
)
_INDEXES = tuple(
    f"CREATE INDEX ix_search_passages_{name} ON search_passages ({name})"
    for name in ("conversation_id", "customer_id", "message_id")
)


# --- SQLite -----------------------------------------------------------------------------------------------


def _sqlite() -> Iterator[str]:
    yield f"CREATE TABLE search_passages (id INTEGER PRIMARY KEY, {_COLUMNS.format(big='INTEGER')})"
    yield from _INDEXES
    yield (
        "CREATE VIRTUAL TABLE search_words USING fts5(said, about, content='search_passages', content_rowid='id', "
        "tokenize='unicode61 remove_diacritics 2', prefix='1 2 3')"
    )
    new = "INSERT INTO search_words(rowid, said, about) VALUES (NEW.id, NEW.said, NEW.about);"
    old = (
        "INSERT INTO search_words(search_words, rowid, said, about) VALUES ('delete', OLD.id, OLD.said, OLD.about);"
    )
    yield f"CREATE TRIGGER search_passage_new AFTER INSERT ON search_passages BEGIN {new} END"
    yield f"CREATE TRIGGER search_passage_gone AFTER DELETE ON search_passages BEGIN {old} END"
    yield (
        "CREATE TRIGGER search_passage_changed AFTER UPDATE ON search_passages "
        f"WHEN OLD.said IS NOT NEW.said OR OLD.about IS NOT NEW.about BEGIN {old} {new} END"
    )
    yield _backfill(sqlite=True)
    for name, table, event, condition, statements in _triggers(sqlite=True):
        when = f"WHEN {condition} " if condition else ""
        yield f"CREATE TRIGGER {name} {event} ON {table} {when}BEGIN {statements} END"


# --- PostgreSQL -------------------------------------------------------------------------------------------


def _postgresql() -> Iterator[str]:
    identity = "id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
    yield f"CREATE TABLE search_passages ({identity}, {_COLUMNS.format(big='BIGINT')}, words tsvector)"
    yield from _INDEXES
    yield "CREATE INDEX ix_search_passages_words ON search_passages USING gin (words)"
    yield _words()
    yield _vector()
    # Whatever a text may hold: no answer is lost because it cannot be found.
    yield """CREATE FUNCTION search_index() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.words := search_vector(NEW.said, NEW.about);
      RETURN NEW;
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
      NEW.words := search_vector('', NEW.about);
      RETURN NEW;
    END $$"""
    yield (
        "CREATE TRIGGER search_index BEFORE INSERT OR UPDATE OF said, about ON search_passages FOR EACH ROW "
        "EXECUTE FUNCTION search_index()"
    )
    yield _backfill(sqlite=False)
    for name, table, event, condition, statements in _triggers(sqlite=False):
        yield f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statements} RETURN NULL; END $$"
        when = f"WHEN ({condition}) " if condition else ""
        yield f"CREATE TRIGGER {name} {event} ON {table} FOR EACH ROW {when}EXECUTE FUNCTION {name}()"


def _words() -> str:
    """What SQLite's unicode61 does with diacritics removed: words in small letters with a space between them."""
    latin = _folded(range(0x80, 0x250))
    others = _folded(range(0x250, 0x10000))
    spelled = "found"
    for letter, letters in SPELLED.items():
        spelled = f"replace({spelled}, '{letter}', '{letters}')"
    # These, of all that combine, belong to Latin letters: unicode61 takes no others away.
    marks = _class([*range(0x300, 0x305), *range(0x306, 0x30D), 0x30F, 0x311, 0x31B, *range(0x323, 0x329),
                    0x32D, 0x32E, 0x330, 0x331])  # fmt: skip
    return f"""CREATE FUNCTION search_words(said text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
    DECLARE found text := left(said, {MOST});
    BEGIN
      IF found ~ '[^\\x01-\\x7f]' THEN
        found := regexp_replace(found, '{marks}', '', 'g');
        found := translate({spelled}, '{"".join(latin)}', '{"".join(latin.values())}');
        IF found ~ '[^\\x01-\\u024f]' THEN
          found := regexp_replace(found, '{_class(_no_letters())}', ' ', 'g');
          IF found ~ '[^\\x01-\\u024f]' THEN
            found := translate(found, '{"".join(others)}', '{"".join(others.values())}');
          END IF;
        END IF;
      END IF;
      RETURN trim(regexp_replace(lower(found COLLATE "C"), '{_class(_no_latin())}+', ' ', 'g'));
    END $$"""


def _vector() -> str:
    """Each word with its place, so that phrases are found; no phrase goes on from what was said to whom it is of.

    A tsvector's words are at most 2,046 bytes long, its places at most 16,383.
    """
    part = (
        "SELECT string_agg(left(word, 64) || '{colon}' || least(place + {gap}, 16383) || '{weight}', ' ') "
        "FROM unnest(string_to_array(search_words({text}), ' ')) WITH ORDINALITY AS one (word, place) WHERE word <> ''"
    )
    said = part.format(colon=":", gap=0, weight="A", text="said")
    about = part.format(colon=":", gap=9, weight="D", text="about")
    return f"""CREATE FUNCTION search_vector(said text, about text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN
      RETURN coalesce(({said}), '')::tsvector || coalesce(({about}), '')::tsvector;
    END $$"""


def _folded(numbers: range) -> dict[str, str]:
    """Letters of which unicode61 makes others: Latin ones lose their marks, and all their capitals."""
    found = {}
    for number in numbers:
        letter = chr(number)
        if letter in SPELLED or 0xD800 <= number < 0xE000:
            continue
        plain = letter
        if number < 0x250 or 0x1E00 <= number < 0x1F00:
            plain = "".join(one for one in unicodedata.normalize("NFD", letter) if not unicodedata.combining(one))
        plain = plain.lower()
        if plain != letter and len(plain) == 1 and plain.isalnum():
            found[letter] = plain
    return found


def _no_letters() -> list[int]:
    """What parts words, from the first sign behind the Latin letters on."""
    known = [n for n in range(0x250, 0x10000) if not 0xD800 <= n < 0xE000]
    outside = [*range(0x1F000, 0x1FB00), *range(0xE0000, 0xE0100)]
    return [n for n in (*known, *outside) if not _is_letter(n)]


def _no_latin() -> list[int]:
    return [n for n in range(1, 0x250) if not _is_letter(n)]


def _is_letter(number: int) -> bool:
    kind = unicodedata.category(chr(number))
    return kind[0] in "LN" or kind == "Co"


def _class(numbers: Sequence[int]) -> str:
    """A class of a regular expression that holds these signs."""
    edges = [0, *(at for at, (left, right) in enumerate(pairwise(numbers), 1) if right != left + 1), len(numbers)]
    parts = [(numbers[start], numbers[end - 1]) for start, end in pairwise(edges)]
    return "[" + "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in parts) + "]"
