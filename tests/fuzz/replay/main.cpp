// Runs a fuzz target without libFuzzer: over every seed, and over a sample of damaged seeds.
//   replay_TARGET SEEDS      RESPAWN_SEED chooses the sample, RESPAWN_LONG=1 takes 20,000 of them
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

namespace {

void run(const std::string& bytes) {
    LLVMFuzzerTestOneInput(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::string damaged(std::string bytes, std::mt19937_64& random) {
    for (auto changes = 1 + random() % 8; changes > 0 && !bytes.empty(); --changes) {
        const auto at = random() % bytes.size();
        switch (random() % 4) {
        case 0:
            bytes[at] = static_cast<char>(random());
            break;
        case 1:
            bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
            break;
        case 2:
            bytes.erase(at, 1 + random() % 8);
            break;
        default:
            bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 16));
        }
    }
    return bytes;
}

} // namespace

int main(int count, char** words) {
    if (count != 2)
        return 2;
    std::vector<std::string> seeds;
    for (const auto& file : std::filesystem::directory_iterator(words[1])) {
        std::ifstream stream(file.path(), std::ios::binary);
        seeds.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
    }
    if (seeds.empty())
        return 2;
    const auto* wanted = std::getenv("RESPAWN_SEED");
    const auto seed = wanted ? std::strtoull(wanted, nullptr, 10) : std::random_device()();
    std::printf("%zu seeds; RESPAWN_SEED=%llu\n", seeds.size(), static_cast<unsigned long long>(seed));
    std::fflush(stdout);
    std::ranges::sort(seeds); // the folder's order is no order
    for (const auto& bytes : seeds)
        run(bytes);
    std::mt19937_64 random(seed);
    for (int left = std::getenv("RESPAWN_LONG") ? 20'000 : 150; left > 0; --left)
        run(damaged(seeds[random() % seeds.size()], random));
}
