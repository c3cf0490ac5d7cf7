// SPDX-License-Identifier: Apache-2.0
// quarantine-gate: collect the evidence, judge it, sign the verdict, promote what was verified, move the tags.
import { connectRegistry, type AzureRegistry, type QuarantineDetails } from '@pratique/acr';
import { Failure, formatImage, predicateTypes, type Context, type Digest, type Evidence, type PinnedImage, type Reason, type Verdict } from '@pratique/core';
import { collect, decide, loadPolicySet, requireVerdict, type PolicySet } from '@pratique/evidence';
import type { Manifest, Repository } from '@pratique/oci';
import { attest, createStatementSigner, loadTrustMaterial, verdictPredicate, type TrustMaterial } from '@pratique/sign';
import type { Inputs, Result } from './inputs.ts';
import { inspectMark, refuseInPlace, releaseInPlace, retagged } from './native-release.ts';
import { checkPlaces } from './places.ts';
import { leftBehind, promote, requireSameImage } from './promotion.ts';
import { cleanQuarantine } from './retention.ts';
import { summarize } from './summary.ts';
import { holdsVerdict, requireFree, writeTags } from './tags.ts';
import { movingTags, readVersion, versionTag } from './versions.ts';

// GitHub takes 1 MB of outputs from a job.
const mostReasons = 200;
const mostLines = 20;

interface Judged {
  readonly set: PolicySet;
  readonly trustMaterial: TrustMaterial;
  readonly evidence: Evidence;
  readonly listed: readonly Digest[];
  readonly root: Manifest;
  readonly verdict: Verdict;
}

/** The work of the step; loaded after its inputs were read. */
export async function run(given: Inputs, ctx: Context): Promise<Result> {
  checkPlaces(given);
  const source = await connectRegistry({ registry: given.image.registry, ctx, signIn: given });
  const target = await connectRegistry({ registry: given.release.registry, ctx, signIn: given });
  const stage: Stage = { given, ctx, source, target, from: source.oci.repository(given.image.repository), to: target.oci.repository(given.release.repository), released: { ...given.release, digest: given.image.digest } };
  if (given.quarantine === 'acr-native') await inspectMark(source.quarantine, ctx, given.image);
  const judged = await judge(given, ctx, stage);
  tellWarnings(ctx, judged.verdict);
  const end = judged.verdict.result === 'refused' ? await refuse(stage, judged) : await release(stage, judged);
  const verdictOn = (digest: Digest): Promise<unknown> => requireVerdict({ ...standingOf(stage, judged), repository: stage.from, image: { ...stage.released, digest } });
  await cleanQuarantine({ ctx, registry: source, quarantine: stage.from, release: stage.to, image: given.image.digest, days: given['quarantine-retention-days'], verdictOn });
  return end;
}

interface Stage {
  readonly given: Inputs;
  readonly ctx: Context;
  readonly source: AzureRegistry;
  readonly target: AzureRegistry;
  readonly from: Repository;
  readonly to: Repository;
  readonly released: PinnedImage;
}

const standingOf = ({ given, ctx, to }: Stage, { set, trustMaterial }: Judged) => ({ ctx, repository: to, channel: given.channel, trust: set.trust, trustMaterial });

/** The refusal stays with the image. */
async function refuse(stage: Stage, judged: Judged): Promise<Result> {
  const { given, ctx, source, from, released } = stage;
  const attestation = await signVerdict(given, ctx, { repository: from, judged, released });
  if (given.quarantine === 'acr-native') await refuseInPlace({ registry: source, repository: from, root: judged.root, attestation, details: detailsOf(stage, judged, attestation) });
  return answer(given, { judged, released, tags: [], attestation });
}

async function release(stage: Stage, judged: Judged): Promise<Result> {
  const { given, ctx, target, to, released } = stage;
  const { version } = judged.evidence;
  if (given.quarantine === 'none' && version !== undefined) await requireNoRelease(stage, judged, version);
  const { manifest, attestation, repository } = await releaseBytes(stage, judged);
  const standing = standingOf(stage, judged);
  await requireVerdict({ ...standing, image: released });
  if (!tags(given) || version === undefined) return answer(given, { judged, released, tags: [], attestation });
  const competes = (digest: Digest): Promise<boolean> => holdsVerdict(() => requireVerdict({ ...standing, image: { ...released, digest } }));
  const written = await ctx.log.group('Tag', () => writeTags({ repository, version, manifest, competes, moving: given['moving-tags'] }));
  if (given.lock && given.channel === 'release') {
    await target.properties.lockManifest(to.name, released.digest, { delete: false });
    await target.properties.lockTag(to.name, versionTag(version), { write: false, delete: false });
    // Whoever wrote it between the last look and the lock owns it for good.
    await requireFree(to, versionTag(version), released.digest);
  }
  return answer(given, { judged, released, tags: written, attestation });
}

/** Puts the image where everybody may have it, with its verdict; `repository` is the one to tag in. */
async function releaseBytes(stage: Stage, judged: Judged): Promise<{ manifest: Manifest; attestation: Digest; repository: Repository }> {
  const { given, ctx, target, from, to, released } = stage;
  const sign = (repository: Repository): Promise<Digest> => signVerdict(given, ctx, { repository, judged, released });
  // Signed before anything is released: without its verdict nothing leaves quarantine, whatever breaks in between.
  const attestation = await sign(from);
  // A verdict that nobody believes, since trust does not name this gate, releases nothing.
  await requireVerdict({ ...standingOf(stage, judged), repository: from, image: released });
  if (given.quarantine === 'none') return { manifest: judged.root, attestation, repository: to };
  if (given.quarantine === 'acr-native') {
    const native = { registry: target, repository: to, details: detailsOf(stage, judged, attestation) };
    const manifest = await ctx.log.group('Release', () => releaseInPlace({ ...native, root: judged.root, verdict: judged.verdict, attestation }));
    return { manifest, attestation, repository: retagged(native) };
  }
  const manifest = await ctx.log.group('Promote', () => promote({ from, to, image: given.image, attestations: [...judged.verdict.inputs, attestation] }));
  // The verdict stands there already and is used again; this removes the one that it replaces.
  await sign(to);
  return { manifest, attestation, repository: to };
}

/** Without quarantine a preview is tagged as well: there is nothing else to see. */
function tags({ channel, quarantine }: Pick<Inputs, 'channel' | 'quarantine'>): boolean {
  return channel === 'release' || quarantine === 'none';
}

/** Moving tags of releases are not for what was tried out. */
async function requireNoRelease(stage: Stage, judged: Judged, version: string): Promise<void> {
  const { to, released } = stage;
  const read = readVersion(version);
  for (const tag of read ? movingTags(read) : []) {
    const digest = (await to.resolve(tag))?.digest;
    if (digest === undefined || !(await holdsVerdict(() => requireVerdict({ ...standingOf(stage, judged), channel: 'release', image: { ...released, digest } })))) continue;
    throw new Failure({ code: 'INPUT_INVALID', message: `quarantine: none would write tags where releases stand: ${to.registry}/${to.name}:${tag} names a release`, hint: 'Try it out in a repository of its own.' });
  }
}

function detailsOf({ ctx }: Stage, { verdict, set, evidence }: Judged, attestation: Digest): QuarantineDetails {
  const passed = verdict.result === 'passed';
  return { state: passed ? 'released' : 'refused', link: ctx.event.run.uri, result: { version: evidence.version ?? 'none', summary: [], description: `verdict ${attestation}, policy ${set.digest}` } };
}

async function judge(given: Inputs, ctx: Context, repositories: { from: Repository; to: Repository }): Promise<Judged> {
  const set = await loadPolicySet(ctx, given.policy ?? defaultPolicy(ctx));
  if (set.origin === 'workspace' && given.channel === 'release') {
    throw new Failure({
      code: 'POLICY_UNTRUSTED', message: `the policy ${set.uri} comes from the workspace, which the judged change could have written`,
      hint: 'Leave the input policy out: then .pratique on the default branch is read by the API. Or use channel: preview.',
    });
  }
  const trustMaterial = await loadTrustMaterial(ctx, given['trusted-root']);
  const evidence = await ctx.log.group('Collect evidence', () => collect({ ctx, repository: repositories.from, image: given.image, trust: set.trust, trustMaterial, channel: given.channel }));
  requireSameImage(evidence, given.image);
  const verdict = await decide({ ctx, set, evidence, channel: given.channel });
  const own = tags(given) ? await versionReasons(given, evidence, repositories.to) : [];
  const refused = own.length > 0 || verdict.result === 'refused';
  return { set, trustMaterial, evidence, root: evidence.root, listed: evidence.listed.map((one) => one.digest), verdict: { ...verdict, result: refused ? 'refused' : 'passed', reasons: [...own, ...verdict.reasons] } };
}

function defaultPolicy({ event: { repository } }: Context): string {
  if (repository.owner !== '' && repository.name !== '') return `github://${repository.owner}/${repository.name}/.pratique`;
  throw new Failure({ code: 'INPUT_INVALID', message: 'input policy: this run belongs to no repository of GitHub whose default branch could hold it', hint: 'Name it: github://OWNER/REPO/.pratique' });
}

/** What only the gate can know: whether the version is the image's own and still free. */
async function versionReasons(given: Inputs, evidence: Evidence, release: Repository): Promise<Reason[]> {
  const deny = (code: Reason['code'], message: string, mend: string): Reason[] => [{ effect: 'deny', code, rule: 'version', subject: given.image.digest, message, mend }];
  const { version } = evidence;
  if (version === undefined || !readVersion(version)) return deny('GATE_VERSION_MISMATCH', `the image carries ${version === undefined ? 'no version' : `"${version}", which is no semantic version`}`, 'Set the input version of build-scan-push; it becomes part of the digest.');
  if (given.version !== undefined && given.version.replace(/^v/, '') !== version) return deny('GATE_VERSION_MISMATCH', `asked for version ${given.version}, but the image carries ${version}`, 'Release the version that was built.');
  try {
    await requireFree(release, versionTag(version), given.image.digest);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.code !== 'GATE_VERSION_TAKEN') throw thrown;
    return deny('GATE_VERSION_TAKEN', thrown.message, thrown.hint ?? '');
  }
}

interface Signing {
  readonly repository: Repository;
  readonly judged: Judged;
  readonly released: PinnedImage;
}

async function signVerdict(given: Inputs, ctx: Context, { repository, judged, released }: Signing): Promise<Digest> {
  const subject = (await repository.readManifest(released.digest)).descriptor;
  const verifier = `${ctx.event.repository.uri}/quarantine-gate`;
  const [attested] = await attest({
    ctx, repository, trust: judged.trustMaterial, runId: ctx.event.run.id, signer: () => createStatementSigner(ctx, given['signing-config']),
    plan: [{ subject, predicateType: predicateTypes.verdict, predicate: verdictPredicate(judged.verdict, released, verifier) }],
  });
  if (attested === undefined) throw new Failure({ code: 'SIGN_VERIFY_FAILED', message: `the verdict on ${formatImage(released)} was not signed` });
  return attested.attestation;
}

function answer(given: Inputs, end: { judged: Judged; released: PinnedImage; tags: readonly string[]; attestation: Digest }): Result {
  const { verdict, evidence, set, listed } = end.judged;
  const denied = verdict.reasons.filter((reason) => reason.effect === 'deny');
  const passed = verdict.result === 'passed';
  return {
    outputs: {
      verdict: verdict.result, image: passed ? formatImage(end.released) : '', tags: end.tags.join('\n'), code: denied[0]?.code ?? '',
      reasons: JSON.stringify(verdict.reasons.slice(0, mostReasons)), attestation: end.attestation,
    },
    summary: summarize({ image: given.image, release: end.released, verdict, evidence, tags: end.tags, leftBehind: leftBehind(listed, verdict), policyNote: set.protection ?? '', attestation: end.attestation }),
    ...(passed ? {} : { refusal: refusal(given.image, denied) }),
  };
}

/** One annotation for all that is told and not refused; the summary explains each. */
function tellWarnings(ctx: Context, { reasons }: Verdict): void {
  const told = reasons.filter((reason) => reason.effect === 'warn');
  const lines = told.slice(0, mostLines).map((reason) => `- ${reason.code}: ${reason.message}`);
  if (told.length > 0) ctx.log.notice({ level: 'warning', title: `${told.length} told, not refused`, message: [...lines, ...(told.length > lines.length ? [`- and ${told.length - lines.length} more; the summary lists them`] : [])].join('\n') });
}

function refusal(image: PinnedImage, denied: readonly Reason[]): NonNullable<Result['refusal']> {
  const lines = denied.slice(0, mostLines).map((reason) => `- ${reason.code}: ${reason.message}${reason.policy ? ` (${reason.rule}, ${reason.policy.file}:${reason.policy.line})` : ` (${reason.rule})`}. ${reason.mend}`);
  const rest = denied.length > mostLines ? [`- and ${denied.length - mostLines} more; the summary lists them`] : [];
  return { code: 'GATE_REFUSED', message: `${formatImage(image)} may not leave quarantine:\n${[...lines, ...rest].join('\n')}`, hint: 'The image stays in quarantine. Mend the reasons and build a new version.' };
}
