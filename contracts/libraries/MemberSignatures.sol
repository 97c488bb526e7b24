// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { SignatureChecker } from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @title Signatures of members, whatever their account is
/// @notice A key's signature is tried first, so that an account with a key that has code all the same (EIP-7702) can sign
/// either way; then the contract at the address is asked (ERC-1271).
library MemberSignatures {
    /// @notice Whether the account signed the digest.
    /// @param signature 65 bytes, 64 by EIP-2098, s in the lower half; or whatever the account's contract takes.
    function isSignedBy(address account, bytes32 digest, bytes calldata signature) internal view returns (bool) {
        address signer;
        if (signature.length == 64) {
            (signer, , ) = ECDSA.tryRecover(digest, bytes32(signature[:32]), bytes32(signature[32:]));
        } else {
            (signer, , ) = ECDSA.tryRecoverCalldata(digest, signature);
        }
        // No account is zero, which stands for the signature of nobody.
        if (signer == account) return true;
        if (account.code.length == 0) return false;
        return SignatureChecker.isValidERC1271SignatureNowCalldata(account, digest, signature);
    }
}
