#include "config/reference.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "config/parse.h"

namespace holdfast::config {
namespace {

const std::string kPage = HOLDFAST_SOURCE_DIR "/docs/CONFIGURATION.md";

// HOLDFAST_WRITE_REFERENCE=1 writes the page instead of comparing it.
TEST(Reference, IsWhatTheDocumentSays) {
  if (std::getenv("HOLDFAST_WRITE_REFERENCE") != nullptr) std::ofstream(kPage) << reference_markdown();
  std::stringstream page;
  page << std::ifstream(kPage).rdbuf();
  EXPECT_EQ(page.str(), reference_markdown())
      << "docs/CONFIGURATION.md is out of date; run this test with HOLDFAST_WRITE_REFERENCE=1";
}

TEST(Reference, ShowsAnExampleThatIsRight) {
  const std::string page = reference_markdown();
  EXPECT_NE(page.find("```toml\n" + std::string(example_file()) + "```\n"), std::string::npos);
  for (const Fault& fault : parse_text(example_file(), "example").faults) ADD_FAILURE() << to_text(fault);
}

}  // namespace
}  // namespace holdfast::config
