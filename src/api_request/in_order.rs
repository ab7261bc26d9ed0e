//! Several questions at a time, whose answers are wanted in the order of the questions.

use tokio::task::JoinSet;

use super::ask::AskError;

/// The answers to some questions, in their order. So many are under way at a time.
///
/// # Errors
/// The first that cannot be answered: the others are let be.
pub async fn in_order<T, Q>(
    questions: impl IntoIterator<Item = Q>,
    at_once: usize,
) -> Result<Vec<T>, AskError>
where
    T: Send + 'static,
    Q: Future<Output = Result<T, AskError>> + Send + 'static,
{
    let mut questions = questions.into_iter().enumerate();
    let mut under_way = JoinSet::new();
    let mut answers: Vec<Option<T>> = Vec::new();
    loop {
        while under_way.len() < at_once
            && let Some((place, question)) = questions.next()
        {
            answers.push(None);
            under_way.spawn(async move { (place, question.await) });
        }
        let Some(ended) = under_way.join_next().await else {
            break;
        };
        // A task that is not cancelled ends, unless it panics.
        let (place, answer) = ended.map_err(|error| AskError::Unavailable {
            what: "a question to the API server".to_owned(),
            message: error.to_string(),
        })?;
        if let Some(slot) = answers.get_mut(place) {
            *slot = Some(answer?);
        }
    }
    Ok(answers.into_iter().flatten().collect())
}
