// SPDX-License-Identifier: Apache-2.0
// Public names of core: the words of the domain, the ports, failures, redaction, retry. Pure.
export { chartFindingCodes, type ChartFindingCode } from './chart-finding.ts';
export { mapConcurrently } from './concurrency.ts';
export {
  predicateTypes,
  type Channel, type DisbelievedReferrer, type Evidence, type Finding, type ImagePlatform, type Reason, type ScanPredicate, type Severity, type SignerIdentity, type TrustRole,
  type VerifiedStatement, type Verdict,
} from './evidence.ts';
export { asFailure, causeChain, exitStatus, Failure, failureCodes, type Facts, type FailureCode, type FailureCodeEntry, type FailureKind, type FailureOptions } from './failure.ts';
export {
  formatImage, formatPlatform, isDigest, parseDigest, parsePinnedImage, parsePlatform, parseRepositoryName,
  type Digest, type PinnedImage, type Platform, type RepositoryName,
} from './image.ts';
export { canonicalJson, isJsonObject, parseJsonObject, type JsonObject } from './json.ts';
export {
  digestOf,
  type Clock, type Command, type CommandResult, type Context, type Exec, type Files, type GitHubApi, type GitHubReply, type LocatedTool, type Log, type Notice, type OpenedFile,
  type OpenedFolder, type RunEvent, type TlsSettings, type Tools,
} from './ports.ts';
export { addSecret, redact } from './redact.ts';
export { retry, type RetryOptions } from './retry.ts';
export { quoteWord } from './shell.ts';
export { formatSigner, shortenSigner } from './signer.ts';
export { escapeHtml, escapeMarkdown, neutralizeCommands, nearest, stripControl } from './text.ts';
