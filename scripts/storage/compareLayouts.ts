import type { StorageLayout, StorageMember } from "./readLayout.ts";

/**
 * What an upgrade from one layout to another would break. Members may be added behind the last one, or where the last
 * release left bytes of a slot unused, which are zero; structs may be new. Anything else would read one thing's bytes as
 * another's: the compiler lays no two members over each other, so what stands where it stood is not touched by a new one. A struct that lies inside of another one and grows moves
 * what follows it there, and is found by that.
 * @returns a sentence for each fault
 */
export function layoutFaults(released: StorageLayout, current: StorageLayout): readonly string[] {
  return Object.entries(released).flatMap(([name, members]) => {
    const now = current[name];
    if (!now) return [`${name} is gone`];
    const byPlace = new Map(now.map((member) => [placeOf(member), member]));
    return members.flatMap((member) => {
      const found = byPlace.get(placeOf(member)) ?? now.find(({ label }) => label === member.label);
      if (!found) return [`${name}.${member.label} is gone`];
      return placeOf(found) === placeOf(member) && found.type === member.type
        ? []
        : [`${name}: ${textOf(found)} where the last release has ${textOf(member)}`];
    });
  });
}

const placeOf = ({ slot, offset }: StorageMember): string => `slot ${slot}, byte ${offset}`;
const textOf = (member: StorageMember): string => `${member.type} ${member.label} at ${placeOf(member)}`;
