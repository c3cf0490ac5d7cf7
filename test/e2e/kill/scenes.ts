// SPDX-License-Identifier: Apache-2.0
// For tests: what each program that is killed finds ready, and what must never be seen of its work while it is half done.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Failure, formatImage, type Digest, type FailureCode } from '@pratique/core';
import { labClients, type Assignment } from '@pratique/lab';
import type { Repository } from '@pratique/oci';
import { startProcess, type Ended, type Program } from '../../fixtures/action-process.ts';
import { watchEffects, type EffectWatch } from '../../fixtures/effects.ts';
import { openGateWorld, type GateRole, type GateWorld, type QuarantinedImage } from '../../fixtures/gate-world.ts';
import { pictureOf } from '../../fixtures/repository-picture.ts';
import type { Arranged, Stage } from './kill-matrix.ts';

/** A world of its own for each process that runs at a time. */
export interface Scene {
  readonly world: GateWorld;
  readonly effects: EffectWatch;
  /** Of the processes; workspaces of their own are below it. */
  readonly folder: string;
  /** Never given twice. */
  nextName(): string;
}

export type Arrange = (scene: Scene) => Promise<Arranged>;

export interface Scenes extends AsyncDisposable {
  stagesOf(arrange: Arrange): Stage[];
}

const role = (client: keyof typeof labClients, ...names: string[]): Assignment[] => names.map((one) => ({ principal: labClients[client].objectId, role: one }));
// The quarantine of the registry is switched on only where it is looked at; its roles change nothing elsewhere.
const assignments: readonly Assignment[] = [...role('builder', 'Repository Writer', 'AcrQuarantineReader'), ...role('gate', 'Repository Contributor', 'AcrQuarantineWriter'), ...role('cluster', 'Repository Reader')];

/** Opens `count` of them. */
export async function openScenes(count = 2): Promise<Scenes> {
  const folder = await mkdtemp(join(tmpdir(), 'kill-'));
  const worlds = await Promise.all(Array.from({ length: count }, () => openGateWorld({ assignments })));
  let names = 0;
  const scenes = worlds.map((world): Scene => {
    world.lab.acr.settings.accounts.push({ username: 'node', password: 'node-lab-secret', principal: labClients.cluster.objectId });
    return { world, effects: watchEffects(world.lab), folder, nextName: () => `app-${(names += 1)}` };
  });
  return {
    stagesOf: (arrange) => scenes.map((scene) => ({ effects: scene.effects, arrange: () => arrange(scene) })),
    async [Symbol.asyncDispose]() {
      for (const world of worlds) await world[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function hold(world: GateWorld, enabled: boolean): void {
  Object.assign(world.lab.acr.settings.quarantine, { enabled });
}

interface Play {
  readonly scene: Pick<Scene, 'world' | 'folder'>;
  readonly role: GateRole;
  readonly image: Omit<QuarantinedImage, 'image' | 'release'>;
  readonly program: Program;
  /** Repositories that are looked at. */
  readonly repositories: readonly string[];
  requireWhole(): Promise<void>;
}

function playing({ scene, role: who, image, program, repositories, requireWhole }: Play): Arranged {
  const { world, folder } = scene;
  const words = (text: string): string => [...digestsOf(image)].reduce((told, [digest, name]) => told.replaceAll(digest, name), text).replaceAll(/sha256:[0-9a-f]{64}/g, 'a digest').replaceAll(/app-\d+/g, 'app').replaceAll(/127\.0\.0\.1:\d+/g, 'host');
  return {
    start: (attempt) => startProcess({ lab: world.lab, folder, program, workspace: dirname(world.lab.addresses.folder), job: { ...world.jobOf(who, image), runAttempt: attempt } }),
    picture: async () => (await Promise.all(repositories.map(async (name) => (await pictureOf(world, name, image)).map((line) => `${words(name)}: ${line}`)))).flat(),
    told: ({ outputs }: Ended) => Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, words(value)])),
    requireWhole,
  };
}

const digestsOf = ({ root, evidence, platforms }: Play['image']): ReadonlyMap<Digest, string> =>
  new Map([[root.digest, 'INDEX'], [evidence.digest, 'EVIDENCE'], ...platforms.map(({ platform, manifest }) => [manifest.digest, platform] as const)]);

/** Signed, in quarantine; `version` is also that of its run. */
async function signedImage({ world, nextName }: Scene, options: Partial<Parameters<GateWorld['pushImage']>[0]> = {}): Promise<QuarantinedImage> {
  const pushed = await world.pushImage({ name: nextName(), ...options });
  await world.sign(pushed);
  return pushed;
}

/** The phase push of build-scan-push, on the layout of the phases before. */
const arrangePush: Arrange = async (scene) => {
  const { world } = scene;
  hold(world, false);
  const name = scene.nextName();
  const image = await world.layOut({ name });
  const { 'trusted-root': _, 'signing-config': __, ...inputs } = world.inputsOf('builder');
  const repository = `quarantine/${name}`;
  return playing({
    scene, role: 'builder', image, repositories: [repository], requireWhole: () => Promise.resolve(),
    program: { action: 'build-scan-push', inputs: { ...inputs, phases: 'push', layout: name, image: `${world.lab.addresses.acr.loginServer}/${repository}` } },
  });
};

/** The program sign-and-attest on an image that was pushed. */
const arrangeSign: Arrange = async (scene) => {
  const { world } = scene;
  hold(world, false);
  const image = await world.pushImage({ name: scene.nextName() });
  const inputs = { ...world.inputsOf('builder'), image: formatImage(image.image), evidence: formatImage({ ...image.image, digest: image.evidence.digest }) };
  const arranged = playing({ scene, role: 'builder', image, program: { action: 'sign-and-attest', inputs }, repositories: [image.image.repository], requireWhole: () => Promise.resolve() });
  // Which of them stood there already, and under which number the log knows them, is the story of the attempts.
  return { ...arranged, told: (ended) => ({ ...arranged.told(ended) as object, reused: '', attestations: JSON.parse(ended.outputs['attestations'] ?? '[]').map(({ predicateType, platform }: Record<string, string>) => [predicateType, platform]) }) };
};

function gateProgram(world: GateWorld, { image, release }: QuarantinedImage, more: Readonly<Record<string, string>> = {}): Program {
  return { action: 'quarantine-gate', inputs: { ...world.inputsOf('gate'), image: formatImage(image), release: `${release.registry}/${release.repository}`, ...more } };
}

/** The gate on an image that may pass. */
const arrangeGate: Arrange = async (scene) => arrangeCopy(scene, false);

/** The same on an image that it released before. */
const arrangeGateAgain: Arrange = async (scene) => arrangeCopy(scene, true);

async function arrangeCopy(scene: Scene, again: boolean): Promise<Arranged> {
  const { world } = scene;
  hold(world, false);
  const image = await signedImage(scene);
  if (again) await world.judge(image);
  const releases = await world.repository('gate', image.release.repository);
  return playing({
    scene, role: 'gate', image, program: gateProgram(world, image), repositories: [image.image.repository, image.release.repository], requireWhole: () => requireReleased(world, image, releases),
  });
}

/** The gate where the registry itself holds the image. */
const arrangeNativeGate: Arrange = async (scene) => arrangeInPlace(scene, false);

/** The same on an image that it released before. */
const arrangeNativeGateAgain: Arrange = async (scene) => arrangeInPlace(scene, true);

async function arrangeInPlace(scene: Scene, again: boolean): Promise<Arranged> {
  const { world } = scene;
  hold(world, true);
  const signed = await signedImage(scene, { platforms: ['linux/amd64', 'linux/arm64'] });
  const image = { ...signed, release: { registry: signed.image.registry, repository: signed.image.repository } };
  if (again) await world.judge(image, { given: { quarantine: 'acr-native' } });
  const cluster = world.as('node', 'node-lab-secret', image.image.repository);
  return playing({
    scene, role: 'gate', image, program: gateProgram(world, image, { quarantine: 'acr-native' }), repositories: [image.image.repository], requireWhole: () => requireReleased(world, image, cluster),
  });
}

/** The gate on an image that may not. */
const arrangeRefusal: Arrange = async (scene) => {
  const { world } = scene;
  hold(world, false);
  const image = await signedImage(scene, { findings: ['CVE-2021-23337'] });
  const releases = await world.repository('gate', image.release.repository);
  return playing({
    scene, role: 'gate', image, program: gateProgram(world, image), repositories: [image.image.repository, image.release.repository],
    async requireWhole() {
      if (await releases.hasManifest(image.image.digest)) throw new Error('a refused image stands among the releases');
    },
  });
};

/** `pratique revoke` on the highest of two releases. */
const arrangeRevocation: Arrange = async (scene) => {
  const { world } = scene;
  hold(world, false);
  const kept = await signedImage(scene);
  await world.judge(kept);
  const image = await world.pushImage({ name: kept.release.repository.replace('acme/', ''), version: '1.3.0' });
  await world.sign(image);
  await world.judge(image);
  const flags = Object.entries({ ...world.inputsOf('gate'), reason: 'broken', policy: 'github://acme/app' }).flatMap(([name, value]) => [`--${name}`, value ?? '']);
  const program = { words: ['revoke', formatImage({ ...image.release, digest: image.image.digest }), '--json', ...flags] };
  const arranged = playing({
    scene, role: 'gate', image, program, repositories: [image.release.repository],
    async requireWhole() {
      await world.verdictOn(kept);
      await unless('VERDICT_REFUSED', () => world.verdictOn(image));
    },
  });
  // Which tags it moved is the story of the attempts.
  return { ...arranged, told: ({ stdout }) => Object.keys((JSON.parse(stdout) as { outputs: object }).outputs) };
};

/** Every program, and how many effects it has at least. */
export const programs: readonly (readonly [string, Arrange, number])[] = [
  ['build-scan-push', arrangePush, 20],
  ['sign-and-attest', arrangeSign, 30],
  ['quarantine-gate, releasing by a copy', arrangeGate, 30],
  ['quarantine-gate, judging such a release again', arrangeGateAgain, 10],
  ['quarantine-gate, releasing in place', arrangeNativeGate, 20],
  ['quarantine-gate, judging such a release again in place', arrangeNativeGateAgain, 8],
  ['quarantine-gate, refusing', arrangeRefusal, 5],
  ['revoke', arrangeRevocation, 8],
];

/** Whoever can see the index or a tag finds all that belongs to it: platforms, the verdict, the attestations on which it rests. */
async function requireReleased(world: GateWorld, pushed: QuarantinedImage, reader: Repository): Promise<void> {
  const { image } = pushed;
  for (const tag of await reader.listTags()) {
    const digest = (await reader.resolve(tag))?.digest;
    if (digest !== undefined && digest !== image.digest) throw new Error(`the tag ${tag} names ${digest}`);
  }
  // What the registry itself holds, be it the image or a newer verdict on it, nobody deploys.
  const standing = await unless('ACR_QUARANTINED', async () => ((await reader.hasManifest(image.digest)) ? world.verdictOn(pushed, { reader }) : undefined));
  if (standing === undefined) return;
  const { verdict, statement } = standing;
  for (const digest of [...pushed.platforms.map(({ manifest }) => manifest.digest), ...verdict.inputs, statement.attestation]) await reader.readManifest(digest);
}

async function unless<T>(code: FailureCode, look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === code) return undefined;
    throw thrown;
  }
}
