// SPDX-License-Identifier: Apache-2.0
// Our side of the benches as a program of its own, since the peers are programs too: push a layout, promote an image, sign statements.
import { readFile } from 'node:fs/promises';
import { parseRepositoryName, type Digest, type JsonObject, type RunEvent } from '@pratique/core';
import { createNodeContext, type NodeContext } from '@pratique/host';
import { copyGraph, createRegistry, openLayout, type Repository } from '@pratique/oci';
import { attest, createStatementSigner, loadTrustMaterial, type PlannedStatement } from '@pratique/sign';
import { promote } from '../../actions/quarantine-gate/src/promotion.ts';

const event: RunEvent = {
  host: 'github.com', name: 'push', repository: { uri: 'https://github.com/contoso/web', id: '4711', owner: 'contoso', name: 'web' }, commit: 'a'.repeat(40), ref: 'refs/heads/main',
  run: { uri: 'https://github.com/contoso/web/actions/runs/77', id: '77', attempt: 1 }, actor: 'ann',
};

function repositoryOf(ctx: NodeContext, text: string): Repository {
  const { registry, repository } = parseRepositoryName(text);
  return createRegistry({ ...ctx, registry, plainHttp: true }).repository(repository);
}

/** push LAYOUT REPOSITORY TAG */
async function push(ctx: NodeContext, [layout = '', to = '', tag = '']: readonly string[]): Promise<void> {
  const from = await openLayout(ctx.files, layout);
  const [root] = (await from.readIndex()).manifests ?? [];
  if (root === undefined) throw new Error(`${layout} is empty`);
  await copyGraph({ from, to: repositoryOf(ctx, to), roots: [root.digest], tag });
}

/** promote FROM TO DIGEST: everything that hangs on the image was verified before, and is released with it. */
async function promoteAll(ctx: NodeContext, [source = '', target = '', digest = '']: readonly string[]): Promise<void> {
  const from = repositoryOf(ctx, source);
  const attestations = (await from.listReferrers(digest as Digest)).map((one) => one.digest);
  await promote({ from, to: repositoryOf(ctx, target), image: { registry: from.registry, repository: from.name, digest: digest as Digest }, attestations });
}

/** sign REPOSITORY SUBJECT.json TRUSTED-ROOT SIGNING-CONFIG TYPE=PREDICATE.json... */
async function sign(ctx: NodeContext, [to = '', subjectFile = '', root = '', config = '', ...predicates]: readonly string[]): Promise<void> {
  const readJson = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, 'utf8'));
  const subject = (await readJson(subjectFile)) as PlannedStatement['subject'];
  const plan = await Promise.all(predicates.map(async (one): Promise<PlannedStatement> => {
    const [predicateType = '', file = ''] = one.split('=');
    return { subject, predicateType, predicate: (await readJson(file)) as JsonObject };
  }));
  const trust = await loadTrustMaterial(ctx, root);
  await attest({ ctx, repository: repositoryOf(ctx, to), plan, signer: () => createStatementSigner(ctx, config), trust, runId: '77' });
}

const works: Readonly<Record<string, (ctx: NodeContext, words: readonly string[]) => Promise<void>>> = { push, promote: promoteAll, sign };
const [name = '', ...words] = process.argv.slice(2);
await using ctx = await createNodeContext({ event, print: () => undefined });
await works[name]?.(ctx, words);
