// SPDX-License-Identifier: Apache-2.0
// Chooses the builder that the input names; auto takes buildx where it is usable, else buildah, and says why.
import type { Context } from '@pratique/core';
import type { Inputs } from '../inputs.ts';
import { buildah } from './buildah.ts';
import type { Builder } from './builder.ts';
import { findBuildx, tryBuildx } from './buildx-instance.ts';
import { buildxBuilder } from './buildx.ts';
import { layoutBuilder } from './layout.ts';

/** A builder, and why it was taken when the input left that open. */
export interface Choice {
  readonly builder: Builder;
  readonly note?: string;
}

/** Fails as `findBuildx` does when buildx is asked for and cannot be used. */
export async function chooseBuilder(given: Pick<Inputs, 'builder' | 'buildx-builder' | 'layout'>, ctx: Context): Promise<Choice> {
  if (given.builder === 'layout') return { builder: layoutBuilder(given.layout) };
  if (given.builder === 'buildah') return { builder: buildah };
  if (given.builder === 'buildx') return { builder: buildxBuilder(await findBuildx(ctx, given['buildx-builder'])) };
  const found = await tryBuildx(ctx, given['buildx-builder']);
  const choice: Required<Choice> = 'reason' in found
    ? { builder: buildah, note: `builder: auto takes buildah, because ${found.reason}` }
    : { builder: buildxBuilder(found), note: `builder: auto takes buildx ${found.version}: it is there and can write an OCI layout` };
  ctx.log.line(choice.note);
  return choice;
}
