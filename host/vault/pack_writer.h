// From blobs to packs that are durable at a location, on all cores: compressing, sealing in the order
// in which the blobs came, closing full packs, proving each by decoding it whole, writing. Every stage
// is bounded, so that memory is the same however much is stored.
#pragma once

#include "location/location.h"
#include "vault/pack.h"

#include <memory>

namespace respawn::vault {

class PackWriter {
  public:
    // What is handed in must outlive it.
    PackWriter(const Keyring& keyring, const Identifier& identify, location::Location& location);
    // Ends what has begun and forgets the rest.
    ~PackWriter();

    // Takes one blob; waits while too many bytes are on their way. After an error it takes nothing
    // more and gives that error: a snapshot must not name what is not there. Like all that follows, for
    // one thread.
    Result<void> add(BlobKind kind, const ChunkId& id, std::string plain);
    // The same for one that is coded already.
    Result<void> add_coded(CodedBlob blob);
    // Waits until all that was added has its place in a pack; the bytes of all packs so far, that of
    // the open one without its end.
    Result<std::uint64_t> settle();
    // Waits until all that was added is durable.
    Result<void> flush();

    // The packs that have become durable since this was last asked.
    std::vector<PackRecord> take_written();
    // True when they are so many, or hold so many blobs, that an index file should name them now:
    // a long backup that is killed has not to be read again, and memory stays flat.
    bool index_is_due() const;

  private:
    struct State;
    Result<void> wait_for_room(std::size_t size);
    std::unique_ptr<State> state_;
};

} // namespace respawn::vault
