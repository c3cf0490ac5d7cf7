// SPDX-License-Identifier: Apache-2.0
// `pratique report`: one HTML file about an image, for people who audit it.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readLocks } from '@pratique/acr';
import { escapeMarkdown, Failure, formatImage, type PinnedImage } from '@pratique/core';
import { loadPolicySet, proveApprovals } from '@pratique/evidence';
import { defineStep, input, registryInputs, sigstoreInputs } from '@pratique/step';
import { readImageContents, type ReadContents } from '../image-contents.ts';
import { askVerdicts, type Answer } from '../report/answers.ts';
import { nobody, reportModel, type Locks } from '../report/model.ts';
import { reportPage } from '../report/page.ts';
import { standings } from '../report/standing.ts';

/** Shows, does not judge: ends with exit status 0 for a refused image too, with the answer in the outputs. Deployments ask `verify`. */
export const report = defineStep({
  name: 'report',
  description: 'Write one self-contained HTML file about an image: the verdict for each channel, findings, platforms, build, tags, and every attestation with signer, roles, age and result. Ends well for a refused image too: it shows, verify judges.',
  icon: 'file-text',
  permissions: [],
  inputs: {
    image: input.text({ required: true, description: 'registry/repository@digest, or registry/repository:tag, which is resolved first.' }),
    output: input.text({ description: 'The file to write. Default: report-REPOSITORY-DIGEST.html in the working folder, with / as - and the first 12 digits.' }),
    policy: input.text({ description: 'Whose word counts: github://OWNER/REPO/PATH@REF, or a folder with policy.yaml and trust.yaml. Without it nobody is believed, and the report says so.' }),
    ...sigstoreInputs, ...registryInputs,
  },
  outputs: {
    digest: 'Digest of the image.', report: 'file:// address of the file that was written.',
    standing: 'The headline: passed, refused, expired, preview, elsewhere, undecided, unproven or missing. Only passed lets a release be deployed.',
    release: 'What verify answers for the channel release: passed, or the code.', preview: 'The same for the channel preview.',
  },
  async run(given, ctx) {
    const set = given.policy === undefined ? undefined : await loadPolicySet(ctx, given.policy);
    const read = await readImageContents({ ctx, image: given.image, signIn: given, trustedRoot: given['trusted-root'] });
    const answers = await askVerdicts(ctx, read, set?.trust ?? nobody);
    const approvals = set === undefined ? {} : { approvals: await proveApprovals(ctx, set) };
    const model = reportModel({ contents: read.contents, answers, locks: await locksOf(read), set, now: ctx.clock.now(), ...approvals });
    const file = given.output ?? fileName(model.image);
    await ctx.files.write(file, reportPage(model));
    const address = pathToFileURL(resolve(ctx.workspace, file)).href;
    const told = `${formatImage(model.image)}: ${standings[model.standing]}`;
    ctx.log.line(`${told}\n${address}`);
    return {
      outputs: { digest: model.image.digest, report: address, standing: model.standing, release: codeHere(answers, 'release'), preview: codeHere(answers, 'preview') },
      summary: `Report on ${escapeMarkdown(told)}\n`,
    };
  },
});

function codeHere(answers: readonly Answer[], channel: Answer['channel']): string {
  return answers.find((one) => one.here && one.channel === channel)?.code ?? '';
}

function fileName({ repository, digest }: PinnedImage): string {
  return `report-${repository.replaceAll('/', '-')}-${digest.replace(/^sha\d+:/, '').slice(0, 12)}.html`;
}

/** Locks are told where the registry has them and the identity may read them; a report without them is still one. */
async function locksOf({ registry, contents: { pinned } }: ReadContents): Promise<Locks> {
  try {
    return { held: await readLocks(registry.oci, pinned.repository, pinned.digest) };
  } catch (thrown) {
    if (thrown instanceof Failure) return { untold: thrown.code };
    throw thrown;
  }
}
