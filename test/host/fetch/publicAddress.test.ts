import { expect } from "chai";
import fc from "fast-check";

import { isLoopbackHost, isPublicAddress } from "../../../host/fetch/publicAddress.ts";

describe("host/fetch/publicAddress", () => {
  // One address of each row of IANA's IPv4 and IPv6 Special-Purpose Address Registries that is not globally reachable.
  const notPublic = [
    ...["0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1"],
    ...["172.31.255.255", "192.0.0.170", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"],
    ...["224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"],
    ...["::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1", "100::1"],
    ...["2001::1", "2001:10::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fec0::1", "4000::1"],
    ...["::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "0:0:0:0:0:ffff:169.254.169.254", "::ffff:0:10.0.0.1"],
    ...["64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1"],
    ...["", "localhost", "1.2.3", "0x7f.1", "2130706433", "1.1.1.1.1", "[::1]"],
  ];
  const isPublic = ["1.1.1.1", "8.8.8.8", "100.128.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1", "223.255.255.255"];
  const isPublic6 = ["2606:4700:4700::1111", "2001:4860:4860::8888", "2a00::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"];

  for (const address of notPublic) it(`no: ${address}`, () => expect(isPublicAddress(address)).to.equal(false));
  for (const address of [...isPublic, ...isPublic6]) {
    it(`yes: ${address}`, () => expect(isPublicAddress(address)).to.equal(true));
  }

  it("takes an IPv4 address and its mapped forms for the same", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
        const hex = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
        const plain = isPublicAddress(address);
        expect(isPublicAddress(`::ffff:${address}`)).to.equal(plain);
        expect(isPublicAddress(`::ffff:${hex}`)).to.equal(plain);
        expect(isPublicAddress(`0:0:0:0:0:ffff:${hex}`)).to.equal(plain);
        expect(isPublicAddress(`64:ff9b::${hex}`)).to.equal(plain);
      }),
    );
  });

  it("knows this machine by its names, and no other name", () => {
    for (const host of [
      "localhost",
      "LOCALHOST",
      "a.localhost",
      "127.0.0.1",
      "127.9.9.9",
      "::1",
      "[::1]",
      "[::ffff:127.0.0.1]",
    ]) {
      expect(isLoopbackHost(host), host).to.equal(true);
    }
    for (const host of ["localhost.example", "127.0.0.1.example", "0.0.0.0", "::", "10.0.0.1", "", "[::2]"]) {
      expect(isLoopbackHost(host), host).to.equal(false);
    }
  });
});
