import type { StorageLayout, StorageMember } from "./readLayout.ts";

/**
 * What an upgrade from one layout to another would break. Members may be added behind the last one, and structs may be
 * new; anything else would read one thing's bytes as another's. A struct that lies inside of another one and grows moves
 * what follows it there, and is found by that.
 * @returns a sentence for each fault
 */
export function layoutFaults(released: StorageLayout, current: StorageLayout): readonly string[] {
  return Object.entries(released).flatMap(([name, members]) => {
    const now = current[name];
    if (!now) return [`${name} is gone`];
    return members.flatMap((member, i) => {
      const found = now[i];
      if (!found) return [`${name}.${member.label} is gone`];
      return placeOf(found) === placeOf(member) && found.type === member.type
        ? []
        : [`${name}: ${textOf(found)} where the last release has ${textOf(member)}`];
    });
  });
}

const placeOf = ({ slot, offset }: StorageMember): string => `slot ${slot}, byte ${offset}`;
const textOf = (member: StorageMember): string => `${member.type} ${member.label} at ${placeOf(member)}`;
