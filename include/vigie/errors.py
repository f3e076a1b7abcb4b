"""Every error Vigie raises on purpose.

    VigieError
    ├── ContractError        a contract file is wrong; carries all its faults
    ├── SettingsError        a setting is missing or unusable
    ├── RecipeError          a replay recipe or a file it reads is wrong
    ├── BrokerError          the Kafka broker refused, or did not answer in time
    │   ├── BrokerAway       no broker answered in time
    │   ├── LoginRefused     the broker does not take this process' login, or its certificate fails
    │   ├── RightMissing     the broker knows the user, who may not do this
    │   └── TopicMissing     the broker has no such topic
    ├── WarehouseError       the warehouse refused what we asked
    │   ├── MigrationError   a migration file and the database disagree
    │   └── LedgerConflict   a batch does not begin where the ledger ends
    ├── IngestError          the ingest API refused a batch, or did not take it in time
    ├── DocumentsError       the document server refused what we asked
    │   └── DocumentsAway    no document server answered in time
    ├── GapFound             offsets the ledger needs are gone from the topic
    ├── Unaccounted          a reconciliation found offsets or rows that do not add up
    ├── LakeError            the lake, or what it needs, is not as it must be
    │   └── LakeBusy         another process archives or maintains the same feed's lake
    ├── RestatementRefused   a day cannot be restated; no row was touched
    │   └── RestatementBusy  another process restates the same feed
    ├── CompactionRefused    a month cannot be compacted or expired as asked
    │   ├── CompactionBusy   another process works on the same month
    │   └── DuplicatesFound  a table holds two rows of one key
    ├── ModelError           a learned model cannot be trained, judged or used as asked
    │   ├── OtherFeatures    a model was trained on other features than are made now
    │   ├── NotCached        a model's file cannot be written on this machine
    │   └── TooLittleHistory  there are too few readings with known labels to train on
    ├── RegistryAway         the model registry does not answer
    ├── RefreshError         the Power BI service did not do as asked
    │   ├── RefreshRefused   it refused: the request, the log-in or the dataset is wrong
    │   ├── RefreshBusy      another refresh of the dataset runs
    │   ├── RefreshThrottled  it was asked too often; carries how long to wait
    │   └── RefreshAway      it does not answer
    ├── Superseded           a newer launch holds the fence
    ├── PowerBIError         sites, pages or files of the Power BI project are not as they must be
    ├── KeyRefused           an API key cannot be made or revoked as asked
    ├── BodyError            the body of an HTTP request is not JSON
    ├── MasterAway           the Spark master does not answer
    ├── SubmissionFailed     a driver was refused, or the answer was lost
    └── StackError           a part of the local stack is missing or did not start

Each message names the subject, what was observed, what was expected and the next step.
"""

from __future__ import annotations


def first_line(error: BaseException) -> str:
    """What an error says in one line; a database's goes on with the statement and its values."""
    return str(error).partition("\n")[0]


class VigieError(Exception):
    """Root of every error Vigie raises on purpose."""


class ContractError(VigieError):
    """A contract file is wrong; the message lists every fault found in it."""


class SettingsError(VigieError):
    """A setting is missing or cannot be used."""


class RecipeError(VigieError):
    """A replay recipe, or a file it was asked to read, is wrong."""


class BrokerError(VigieError):
    """The Kafka broker refused a request or did not answer in time."""


class BrokerAway(BrokerError):
    """No Kafka broker answered in time; the same request may work later."""


class LoginRefused(BrokerError):
    """The broker did not take the login, or showed a certificate that is not trusted."""


class RightMissing(BrokerError):
    """The broker knows the user, who may not do what was asked."""


class TopicMissing(BrokerError):
    """The broker answered and has no topic of that name."""


class WarehouseError(VigieError):
    """The warehouse refused what was asked of it."""


class MigrationError(WarehouseError):
    """A migration file and the database disagree."""


class LedgerConflict(WarehouseError):
    """A batch does not begin where the ledger ends."""


class IngestError(VigieError):
    """The ingest API refused a batch, or did not take it in time."""


class DocumentsError(VigieError):
    """The document server refused what was asked of it."""


class DocumentsAway(DocumentsError):
    """No document server answered in time; the same request may work later."""


class GapFound(VigieError):
    """Offsets that the ledger needs are no longer in the topic."""


class Unaccounted(VigieError):
    """A reconciliation found offsets or rows that do not add up; each fault is named."""


class LakeError(VigieError):
    """The lake's table, or the topic it is filled from, is not as it must be."""


class LakeBusy(LakeError):
    """Another process archives or maintains the lake of the same feed."""


class RestatementRefused(VigieError):
    """A day cannot be restated as asked; no row was touched."""


class RestatementBusy(RestatementRefused):
    """Another process restates the same feed."""


class CompactionRefused(VigieError):
    """A month of a feed cannot be compacted or expired as asked."""


class CompactionBusy(CompactionRefused):
    """Another process compacts or restates the same month, or its readers did not let go."""


class DuplicatesFound(CompactionRefused):
    """A table holds two rows of one key; nothing was compacted."""


class ModelError(VigieError):
    """A learned model cannot be trained, judged or used as asked."""


class OtherFeatures(ModelError):
    """A model was trained on other features than this program makes."""


class NotCached(ModelError):
    """A model's file cannot be written on this machine: its disk is full, or refuses."""


class TooLittleHistory(ModelError):
    """There are too few readings with known labels to train a model on; more will come."""


class RegistryAway(VigieError):
    """The model registry does not answer, or there is none; the same request may work later."""


class RefreshError(VigieError):
    """The Power BI service did not do as it was asked."""


class RefreshRefused(RefreshError):
    """It refused: the request, the log-in or the dataset is wrong. The same request fails again."""


class RefreshBusy(RefreshError):
    """Another refresh of the dataset runs; there is one at a time."""


class RefreshThrottled(RefreshError):
    """It was asked too often."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds
        """How long to wait, as it said."""


class RefreshAway(RefreshError):
    """It does not answer, or fails inside; the same question may work later."""


class Superseded(VigieError):
    """A newer launch of the stream holds the fence; this driver must end."""


class PowerBIError(VigieError):
    """The sites, pages or files of the Power BI project are not as they must be."""


class KeyRefused(VigieError):
    """An API key cannot be made or revoked as asked."""


class BodyError(VigieError):
    """The body of an HTTP request is not JSON; the message says where it stops being so."""


class MasterAway(VigieError):
    """The Spark master does not answer; the same question may work later."""


class SubmissionFailed(VigieError):
    """A driver was refused, or the answer was lost; its launch number is spent either way."""


class StackError(VigieError):
    """A part of the local stack is missing or did not start."""
